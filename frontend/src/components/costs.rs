//! What a step costs, by a benchmark that the reader has opened.

use yew::Html;

use super::dom::{Node, Tag, each, list, tag};
use crate::opened::Numbers;
use crate::opened::numbers::{Cost, Sweep};
use crate::words;

/// So many cases stand beside a step; the text view has all.
const CASES: usize = 5;

/// Beside a step: what was measured of the kernel function that it acts in.
pub(crate) fn costs(numbers: &Numbers, function: &str) -> Tag {
    let measured = cases(numbers.of_function(function));
    let nothing = || match function {
        "" => words::NOT_MEASURED_HERE.to_string(),
        function => words::not_measured(function),
    };
    let (shown, more) = measured.split_at(measured.len().min(CASES));
    tag!("section", "class" = "costs";
        tag!("h2"; words::COSTS),
        measured.is_empty().then(|| tag!("p"; nothing())),
        (!shown.is_empty()).then(|| tag!("ul"; each(shown, |it| case(it)))),
        (!more.is_empty()).then(|| tag!("p"; words::more_costs(more.len()))),
        measured_on(numbers),
    )
}

/// For the text view: all that was measured, function by function.
pub(crate) fn all(numbers: &Numbers) -> Tag {
    let of = |function: &str| {
        let measured = cases(numbers.of_function(function));
        tag!("div"; tag!("h3"; tag!("code"; function)), tag!("ul"; each(&measured, |it| case(it))))
    };
    tag!("section", "class" = "costs";
        tag!("h2"; words::ALL_COSTS),
        each(numbers.functions(), of),
        measured_on(numbers),
    )
}

/// A case; all sizes of a sweep are one.
fn cases<'a>(costs: impl Iterator<Item = &'a Cost>) -> Vec<Vec<&'a Cost>> {
    let mut cases: Vec<Vec<&Cost>> = Vec::new();
    let name = |cost: &'a Cost| cost.sweep.as_ref().map(|sweep| &sweep.name);
    for cost in costs {
        match cases.iter_mut().find(|case| name(cost).is_some() && name(case[0]) == name(cost)) {
            Some(case) => case.push(cost),
            None => cases.push(vec![cost]),
        }
    }
    cases
}

fn case(sizes: &[&Cost]) -> Tag {
    match (sizes, &sizes[0].sweep) {
        ([_, _, ..], Some(sweep)) => of_sizes(sizes, sweep),
        _ => of_one(sizes[0]),
    }
}

fn soft(says: &str) -> Option<Tag> {
    (!says.is_empty()).then(|| tag!("span", "class" = "soft"; says))
}

fn of_one(cost: &Cost) -> Tag {
    let beside = |(peer, ratio): &(String, String)| tag!("span", "class" = "beside"; ratio, " × ", words::the_peer(peer));
    tag!("li";
        tag!("span"; &cost.case), " ",
        tag!("b"; &cost.took, " ", words::ns_per(&cost.unit)), " ",
        soft(&cost.spread), " ",
        each(&cost.beside, beside), " ",
        soft(&cost.counts.join(" · ")), " ",
        soft(&cost.note),
    )
}

/// A line for each size. Below it the counts that are the same in all.
fn of_sizes(sizes: &[&Cost], sweep: &Sweep) -> Tag {
    let first = sizes[0];
    let head = |says: String| tag!("th", "scope" = "col"; says);
    let line = |cost: &&Cost| {
        let ratio = |(peer, _): &(String, String)| {
            let found = cost.beside.iter().find(|(name, _)| name == peer);
            tag!("td"; found.map_or("", |(_, ratio)| ratio))
        };
        tag!("tr";
            tag!("th", "scope" = "row"; cost.sweep.as_ref().map(|sweep| &*sweep.at)),
            tag!("td"; tag!("b"; &cost.took)),
            each(&first.beside, ratio),
        )
    };
    let everywhere = |count: &&String| sizes.iter().all(|cost| cost.counts.contains(count));
    let same: Vec<&str> = first.counts.iter().filter(everywhere).map(String::as_str).collect();
    tag!("li";
        tag!("table";
            tag!("caption"; &sweep.name),
            tag!("thead"; tag!("tr";
                head(sweep.of.clone()),
                head(words::ns_per(&first.unit)),
                each(&first.beside, |(peer, _)| head(["× ", &words::the_peer(peer)].concat())),
            )),
            tag!("tbody"; each(sizes, line)),
        ),
        soft(&same.join(" · ")),
    )
}

fn measured_on(numbers: &Numbers) -> Html {
    let emulated =
        || tag!("p", "class" = "emulated"; tag!("b"; words::EMULATED), ": ", words::EMULATED_SAYS);
    list(vec![
        numbers.emulated.then(emulated).node(),
        tag!("p", "class" = "soft"; &numbers.measured_on, " · ", &numbers.file).node(),
    ])
}
