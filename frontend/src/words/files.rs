//! What the page says of files that the reader opens: images of devices, and numbers.

/// What can be opened, and what becomes of it.
pub(crate) const OPEN_SAYS: [(&str, &str); 2] = [
    (
        "An image of a device",
        "as a crash has left it, 8 KiB or 32 MiB. The machine boots from it, step by step: mount, scan, revoke, \
     replay, fsck.",
    ),
    (
        "The numbers of a benchmark",
        "as daxscope bench --json writes them. Beside each step stands what it costs.",
    ),
];
pub(crate) const OPEN_WHERE: &str =
    "The file stays on this device. You may also drop it anywhere on the page.";
pub(crate) const FILE: &str = "File";

/// A file that is being read.
pub(crate) fn opening(name: &str) -> String {
    format!("Opening {name} …")
}

/// A file that could not be opened.
pub(crate) fn not_opened(name: &str, why: &str) -> String {
    format!("{name} was not opened: {why}. Everything else is as it was.")
}

/// The numbers of a benchmark are there.
pub(crate) fn numbers_opened(name: &str, rows: usize) -> String {
    format!(
        "{name}: {rows} measured rows. The panel “{COSTS}” stands beside each step of every lecture, until you close the page."
    )
}

/// Something that a file must have.
pub(crate) fn missing_at(place: &str) -> String {
    format!("`{place}` is missing")
}

/// Something that is other than a file must have it.
pub(crate) fn expected_at(place: &str, found: &str, expected: &str) -> String {
    if place.is_empty() {
        format!("it is {found}, expected {expected}")
    } else {
        format!("`{place}` is {found}, expected {expected}")
    }
}

/// Why a link to an image leads nowhere, and what to do instead.
pub(crate) const NO_LINK: [&str; 2] = [
    "A link cannot carry an image: these bytes are on this device only.",
    "Pass the file on, and say where you are:",
];

/// Where one is in an image.
pub(crate) fn where_in_image(question: &str, choice: &str, step: usize) -> String {
    format!("{question} {choice}, step {step}.")
}

pub(crate) const COSTS: &str = "What this step costs";
pub(crate) const ALL_COSTS: &str = "What the steps cost";
pub(crate) const EMULATED: &str = "emulated";
pub(crate) const EMULATED_SAYS: &str = "counts hold, times do not.";
pub(crate) const NOT_MEASURED_HERE: &str =
    "This step acts in no kernel function, so nothing is measured of it.";

/// Nothing was measured of a function.
pub(crate) fn not_measured(function: &str) -> String {
    format!("Nothing was measured of {function}.")
}

/// Cases that are not shown beside the step.
pub(crate) fn more_costs(count: usize) -> String {
    format!("And {count} more cases, in the text view.")
}

/// Behind a number of nanoseconds, or above a column of them.
pub(crate) fn ns_per(unit: &str) -> String {
    format!("ns per {unit}")
}

/// Between which times half of the rounds lie.
pub(crate) fn spread(low: &str, high: &str) -> String {
    format!("{low} to {high} ns")
}

/// What ours took so many times as long as; below 1 ours is faster.
pub(crate) fn the_peer(peer: &str) -> String {
    let the = if peer.starts_with("bare ") { "the " } else { "" };
    [the, peer].concat()
}
