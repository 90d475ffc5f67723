//! Writes the archive that Linux unpacks as its first file system: cpio, format `newc`.
//!
//! The format: `Documentation/driver-api/early-userspace/buffer-format.rst` of Linux.

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const LINK: u32 = 0o120_777;

/// An archive in the making. A folder must be added before what is in it.
#[derive(Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// Adds a folder; `path` has no slash in front.
    pub(crate) fn folder(&mut self, path: &str) {
        self.entry(path, FOLDER, &[]);
    }

    /// Adds a file that may be executed.
    pub(crate) fn file(&mut self, path: &str, contents: &[u8]) {
        self.entry(path, PROGRAM, contents);
    }

    /// Adds a symbolic link.
    pub(crate) fn link(&mut self, path: &str, to: &str) {
        self.entry(path, LINK, to.as_bytes());
    }

    /// The whole archive.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, contents: &[u8]) {
        let size = u32::try_from(contents.len()).expect("no file of the guest has 4 GiB");
        let name = u32::try_from(path.len() + 1).expect("a path is short");
        self.entries += 1;
        // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name, 0];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(path.bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend(contents);
        self.align();
    }

    /// Names and contents end at a multiple of four.
    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_header_a_name_and_contents_each_aligned() {
        let mut archive = Archive::default();
        archive.folder("bin");
        archive.file("bin/a", b"hello");
        archive.link("bin/b", "a");
        let bytes = archive.finish();
        let text = String::from_utf8_lossy(&bytes);
        let headers: Vec<usize> = text.match_indices("070701").map(|(at, _)| at).collect();
        // 110 bytes of header, the name and its NUL up to a multiple of four, the contents up to the next one.
        assert_eq!(headers, [0, 116, 116 + 116 + 8, 116 + 116 + 8 + 116 + 4]);
        assert_eq!(&text[14..22], "000041ed", "the mode of a folder");
        assert_eq!(&text[116 + 54..116 + 62], "00000005", "the size of bin/a");
        assert!(text[116..].starts_with("070701") && text.contains("bin/a\0hello\0\0\0"));
        assert_eq!(bytes.len() % 4, 0);
    }
}
