//! What a step costs, by a benchmark that the reader has opened.

use yew::Html;

use super::dom::{Node, Tag, each, list, tag};
use crate::opened::{Numbers, numbers::Cost};
use crate::words;

/// So many cases stand beside a step; the text view has all.
const CASES: usize = 5;

/// Beside a step: what was measured of the kernel function that it acts in.
pub(crate) fn costs(numbers: &Numbers, function: &str) -> Tag {
    let measured: Vec<&Cost> = numbers.of_function(function).collect();
    let nothing = || match function {
        "" => words::NOT_MEASURED_HERE.to_string(),
        function => words::not_measured(function),
    };
    let (shown, more) = measured.split_at(measured.len().min(CASES));
    tag!("section", "class" = "costs";
        tag!("h2"; words::COSTS),
        measured.is_empty().then(|| tag!("p"; nothing())),
        (!shown.is_empty()).then(|| tag!("ul"; each(shown, |it| cost(it)))),
        (!more.is_empty()).then(|| tag!("p"; words::more_costs(more.len()))),
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
    tag!("li";
        tag!("span"; &cost.case), " ",
        tag!("b"; &cost.took), " ",
        soft(&cost.spread), " ",
        each(&cost.beside, |beside| tag!("span", "class" = "beside"; beside)), " ",
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
