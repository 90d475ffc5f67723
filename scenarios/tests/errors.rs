//! Faults in lecture files: each is found, placed and explained. A good file is broken in one place
//! at a time.

use daxscope_scenarios::{Catalogue, Lecture};

const GOOD: &str = include_str!("../lectures/S04.toml");

/// The messages for the good file with the first `from` replaced by `to`.
fn broken(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "`{from}` is not in the file");
    let text = GOOD.replacen(from, to, 1);
    match Lecture::parse("lectures/S04.toml", &text) {
        Ok(_) => panic!("`{to}` for `{from}` was accepted"),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn the_good_file_is_good() {
    let lecture = Lecture::parse("lectures/S04.toml", GOOD).unwrap();
    assert_eq!(lecture.variants.len(), 6);
    assert_eq!(lecture.epochs.len(), 11);
}

#[test]
fn a_misspelt_key_is_placed_and_corrected() {
    let line = GOOD.lines().position(|line| line.starts_with("schedule =")).unwrap() + 1;
    let messages = broken("schedule = [", "scedule = [");
    let start = format!("lectures/S04.toml:{line}:1: unknown key `scedule`");
    assert!(messages.starts_with(&start), "{messages}");
    assert!(messages.contains("did you mean `schedule`?"), "{messages}");
    assert!(messages.contains("expected one of `id`, `slug`"), "{messages}");
}

#[test]
fn every_kind_of_fault_says_what_it_found_and_what_it_expected() {
    for (from, to, says) in [
        ("id = \"S04\"", "id = \"4\"", "id `4` is malformed; expected `S01` to `S99`"),
        ("id = \"S04\"\n", "", "missing key `id`"),
        ("id = \"S04\"", "id = 4", "invalid type: integer `4`, expected a string"),
        ("slug = \"fsync-", "slug = \"Fsync-", "expected kebab case"),
        ("bytes safe?", "bytes safe", "ends in `?`"),
        ("status = \"real\"", "status = \"reel\"", "unknown status `reel`"),
        ("\"DAX-13\"", "\"DAX-99\"", "unknown rule `DAX-99`"),
        ("\"C0\"", "\"C15\"", "unknown claim `C15`; expected `C0` to `C14`"),
        ("geometry = \"teaching\"", "geometry = \"teeching\"", "did you mean `teaching`?"),
        ("epoch = \"4.5.0\"", "epoch = \"4.5.1\"", "unknown epoch `4.5.1`"),
        ("epoch = \"4.5.0\"", "epoch = \"4.7\"\nepochs = \"4.5.0\"", "shown first but not in"),
        ("lock-fences-clwb =", "lock-fence-clwb =", "unknown switch `lock-fence-clwb`"),
        ("platform = \"eadr\"", "platform = \"edr\"", "unknown value of `platform` `edr`"),
        ("platform = \"eadr\"", "map-sync = \"yes\"", "not modelled yet: map-sync=yes"),
        ("op = \"fsync\", file = \"a\"", "op = \"fsink\", file = \"a\"", "did you mean `fsync`?"),
        ("op = \"fsync\", file = \"a\"", "op = \"fsync\"", "op `fsync` lacks the key `file`"),
        (
            "op = \"fsync\", file = \"a\"",
            "op = \"fsync\", file = \"b\"",
            "unknown file `b`; expected `a`",
        ),
        (
            "op = \"fsync\"",
            "op = \"fsync\", line = 1",
            "no use for the key `line`; expected `file`",
        ),
        ("op = \"fsync\"", "op = \"fsync\", lin = 1", "unknown key `lin`"),
        ("line = 2, value", "line = 4, value", "line 4 is out of range; expected 0 to 3"),
        ("line = 2, value", "word = 8, value", "word 8 is out of range; expected 0 to 7"),
        ("value = \"NEW2\"", "value = \"TOOLONGWORD\"", "expected 1 to 8 ASCII characters"),
        ("\"b6\", \"b10\"", "\"b6\", \"b16\"", "b16 is out of range, expected b4 to b15"),
        ("\"b6\", \"b10\"", "\"b6\", \"b6\"", "b6 has an owner already"),
        ("\"b6\", \"b10\"", "\"b6\", \"10\"", "`10` is no block; expected one like `b9`"),
        ("block = \"b10\"", "block = \"b3\"", "b3 is out of range"),
        ("fill = \"OLD\"", "", "expected either `lines` or `fill`"),
        ("fill = \"OLD\"", "lines = [\"A\", \"B\", \"C\", \"D\", \"E\"]", "a block has 4"),
        ("ino = 11", "ino = 2", "reserved, files start at inode 11"),
        ("actor = \"writer\", until", "actor = \"wrter\", until", "unknown actor `wrter`"),
        ("until = \"end\"", "until = \"edn\"", "unknown landmark `edn`"),
        ("until = \"end\"", "evict = \"b10.0\"", "only the actor `hardware` evicts"),
        ("until = \"end\"", "until = \"start\"", "nothing runs until the `start`"),
        (
            "\"event stored\"",
            "\"event storred\"",
            "unknown event `storred`; did you mean `stored`?",
        ),
        ("\"returned fsync\"", "\"returned fsink\"", "unknown call `fsink`"),
        ("\"returned fsync\"", "\"left dax_writeback_on\"", "did you mean `dax_writeback_one`?"),
        ("nth = 2", "nth = 0", "expected `nth` from 1 up"),
        ("name = \"tagged\"", "name = \"clwb\"", "cut `clwb` is there twice"),
        ("name = \"syncer\"", "name = \"writer\"", "thread `writer` is there twice"),
        ("name = \"two-cpu\"\n", "name = \"one-cpu\"\n", "variant `one-cpu` is there twice"),
        ("like = \"two-cpu\"", "like = \"tow-cpu\"", "unknown earlier variant `tow-cpu`"),
        ("about = \"images\"", "about = \"event imagined\"", "unknown event `imagined`"),
        ("clwb is a request.", &"word ".repeat(26), "words; expected 1 to 25"),
        ("verdict = \"ok\"", "verdict = \"okay\"", "unknown verdict `okay`"),
        ("breaks = [\"INV-FSYNC\"]", "breaks = [\"INV-FSINK\"]", "did you mean `INV-FSYNC`?"),
        ("basis = \"read\"", "basis = \"derived\"", "basis `derived` lacks `because`"),
        (
            "because = \"\"\"\nWith eADR",
            "because = \"Surely.\"\nunused = \"\"\"",
            "unknown key `unused`",
        ),
        (
            "epochs = \"4.5-rc1 to 4.7\"",
            "epochs = \"4.5-rc1 to 4.9\"",
            "epoch `4.9` has an `expect` already",
        ),
        (
            "epochs = \"4.5-rc1 to 4.7\"",
            "epochs = \"v1 to 4.7\"",
            "no `expect` for epoch `4.5-rc1`",
        ),
        ("images = { before-fsync", "images = { after-fsync", "unknown cut `after-fsync`"),
        ("[[file]]", "[[file]\n", "not TOML"),
        ("[[file]]\n", "[file]\n", "`file` is table; expected a list of tables, `[[file]]`"),
    ] {
        let messages = broken(from, to);
        assert!(messages.contains(says), "`{to}`: expected `{says}` in:\n{messages}");
        assert!(messages.starts_with("lectures/S04.toml:"), "{messages}");
    }
}

/// A store beyond the end is no fault of the file: the process gets SIGBUS (DAX-6). A write beyond
/// it makes the file longer, as far as block pointers reach.
#[test]
fn a_page_out_of_range_is_placed_at_its_step() {
    let good = include_str!("../lectures/S01.toml");
    let bad = good.replacen(
        "op = \"write\", file = \"a\", page = 0",
        "op = \"write\", file = \"a\", page = 4169",
        1,
    );
    let errors = Lecture::parse("S01.toml", &bad).unwrap_err();
    let line = bad.lines().position(|line| line.contains("page = 4169")).unwrap() + 1;
    assert_eq!(errors.problems[0].line, line);
    let message = "page 4169 of `a` is out of range, expected 0 to 4168";
    assert_eq!(errors.problems[0].message, message);
}

#[test]
fn independent_faults_are_reported_together_and_in_order() {
    let text = GOOD
        .replacen("slug = ", "slag = ", 1)
        .replacen("\"C0\"", "\"C99\"", 1)
        .replacen("value = \"NEW0\"", "valeu = \"NEW0\"", 1)
        .replacen("until = \"end\"", "until = \"event nothing\"", 1);
    let errors = Lecture::parse("x.toml", &text).unwrap_err();
    assert!(errors.problems.len() >= 3, "{errors}");
    assert!(errors.problems.is_sorted(), "{errors}");
    assert!(
        errors.to_string().contains("`slag`") && errors.to_string().contains("`valeu`"),
        "{errors}"
    );
}

#[test]
fn any_cut_of_the_file_is_refused_without_a_panic() {
    for end in (0..GOOD.len() - 1).filter(|end| GOOD.is_char_boundary(*end)).step_by(7) {
        let _ = Lecture::parse("x.toml", &GOOD[..end]);
    }
}

#[test]
fn an_id_or_slug_that_is_taken_is_refused() {
    let other = GOOD.replacen("id = \"S04\"", "id = \"S05\"", 1);
    let errors = Catalogue::read([("a.toml", GOOD), ("b.toml", &other)]).unwrap_err();
    let message = errors[0].to_string();
    assert_eq!(message, "b.toml:2:1: slug `fsync-crash-matrix` is that of a.toml already");
}

#[test]
fn a_lecture_is_found_by_id_and_slug_and_suggested_otherwise() {
    let catalogue = Catalogue::embedded();
    assert_eq!(catalogue.find("s04").unwrap().slug, "fsync-crash-matrix");
    assert_eq!(catalogue.find("fsync-crash-matrix").unwrap().id, "S04");
    let message = catalogue.find("fsync-crash-matrx").unwrap_err();
    assert!(message.contains("did you mean `fsync-crash-matrix`?"), "{message}");
}

/// Every file of the folder is in the catalogue, in the order of the names.
#[test]
fn the_catalogue_is_the_folder() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/lectures");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| format!("lectures/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    names.sort();
    let catalogue = Catalogue::embedded();
    let listed: Vec<&str> = catalogue.lectures().iter().map(|l| l.file.as_str()).collect();
    assert_eq!(listed, names);
}
