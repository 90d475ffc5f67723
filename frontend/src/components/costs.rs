//! What a step costs, by a benchmark that the reader has opened.

use yew::Html;

use super::dom::{Node, Tag, each, list, tag};
use crate::opened::{Cost, Numbers};
use crate::words;

/// Beside a step: what was measured of the kernel function that it acts in.
pub(crate) fn costs(numbers: &Numbers, function: &str) -> Tag {
    let measured: Vec<&Cost> = numbers.of_function(function).collect();
    let nothing = || match function {
        "" => words::NOT_MEASURED_HERE.to_string(),
        function => words::not_measured(function),
    };
    tag!("section", "class" = "costs";
        tag!("h2"; words::COSTS),
        measured.is_empty().then(|| tag!("p"; nothing())),
        (!measured.is_empty()).then(|| tag!("ul"; each(measured, cost))),
        measured_on(numbers),
    )
}

/// For the text view: all that was measured, function by function.
pub(crate) fn all(numbers: &Numbers) -> Tag {
    let of = |function: &str| tag!("div"; tag!("h3"; tag!("code"; function)), tag!("ul"; each(numbers.of_function(function), cost)));
    tag!("section", "class" = "costs";
        tag!("h2"; words::ALL_COSTS),
        each(numbers.functions(), of),
        measured_on(numbers),
    )
}

fn cost(cost: &Cost) -> Tag {
    let soft = |says: &String| (!says.is_empty()).then(|| tag!("span", "class" = "soft"; says));
    let beside = Some(&cost.beside).filter(|beside| !beside.is_empty());
    tag!("li";
        tag!("span"; &cost.case), " ",
        tag!("b"; &cost.took), " ",
        soft(&cost.spread), " ",
        beside.map(|beside| tag!("span", "class" = "beside"; beside)), " ",
        soft(&cost.counts), " ",
        soft(&cost.note),
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
