//! The page in one file that opens from a disk: everything inline, the module with all packed and as base64.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::page::{Files, TWIN, name, replace_once};

/// Scripts are inline and the worker starts from a Blob; nothing at all may be fetched.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; worker-src blob:; \
    style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// Puts the files of the site into one: into the template `index`, with the text of all lectures.
pub(crate) fn html(index: &str, lectures: &str, files: &Files) -> Result<String> {
    let html = with_policy(&replace_once(index, TWIN, lectures)?)?;
    let style = text(files, name::STYLE)?;
    ensure!(!style.contains("</style"), "style.css must not hold `</style`");
    let html = replace_once(
        &html,
        "<link rel=\"stylesheet\" href=\"style.css\">",
        &format!("<style>\n{style}</style>"),
    )?;
    let boot = format!(
        "<script>\n{}</script>\n\
         <script type=\"text/plain\" id=\"daxscope-wasm\">{}</script>\n\
         <script type=\"text/plain\" id=\"daxscope-worker\">\n{}</script>\n\
         <script>\n{}</script>",
        script(text(files, name::BINDINGS)?),
        BASE64_STANDARD.encode(packed(&files[name::WASM])?),
        script(text(files, name::WORKER)?),
        script(text(files, name::BOOT)?),
    );
    replace_once(&html, "<script src=\"boot.js\"></script>", &boot)
}

fn text<'a>(files: &'a Files, name: &str) -> Result<&'a str> {
    std::str::from_utf8(&files[name]).with_context(|| format!("{name} is not UTF-8"))
}

/// What `boot.js` unpacks: base64 adds a third to whatever is put in.
fn packed(module: &[u8]) -> Result<Vec<u8>> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::best());
    writer.write_all(module)?;
    Ok(writer.finish()?)
}

/// Keeps a script from ending its element, or hiding the end, from within a string.
fn script(source: &str) -> String {
    source.replace("</script", "<\\/script").replace("<!--", "<\\!--")
}

/// Exchanges the site's policy for [`POLICY`].
fn with_policy(html: &str) -> Result<String> {
    let head = "<meta http-equiv=\"Content-Security-Policy\" content=\"";
    let (before, rest) = html.split_once(head).context("index.html has no policy")?;
    let (_, after) = rest.split_once('"').context("the policy of index.html has no end")?;
    Ok(format!("{before}{head}{POLICY}\"{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_inline_and_nothing_is_fetched() {
        let template = crate::project::read("index.html").unwrap();
        let files = Files::from([
            (name::STYLE, b"p { color: red }".to_vec()),
            (name::BOOT, b"boot('</script>')".to_vec()),
            (name::BINDINGS, b"bindings()".to_vec()),
            (name::WASM, b"\0asm".to_vec()),
            (name::WORKER, b"worker()".to_vec()),
        ]);
        let html = html(&template, "all lectures", &files).unwrap();
        for inline in [
            "p { color: red }",
            "boot('<\\/script>')",
            "bindings()",
            "all lectures",
            ">H4sIA",
            "worker()",
            POLICY,
        ] {
            assert!(html.contains(inline), "{inline}");
        }
        assert!(!html.contains("src=\""));
        assert!(!html.contains("default-src 'self'"));
    }
}
