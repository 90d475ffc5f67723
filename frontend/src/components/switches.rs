//! The switches of a run: the values it has, those it could have, and which differ from its epoch (UI-610).

use yew::{Callback, Html};

use super::dom::{Node, Tag, classes, each, list, tag, when};
use crate::course::Switch;
use crate::msg::Msg;
use crate::words;

pub(crate) fn switches(all: &[Switch], epoch: &str, unfolded: bool, send: &Callback<Msg>) -> Tag {
    let changed = all.iter().filter(|switch| switch.value != switch.preset).count();
    let hidden = all.iter().filter(|switch| !switch.matters).count();
    let shown: Vec<&Switch> = all.iter().filter(|switch| unfolded || switch.matters).collect();
    let alike = shown.chunk_by(|one, other| one.info.kind == other.info.kind);
    let kind = |alike: &[&Switch]| -> Html {
        let title = tag!("h3"; alike[0].info.kind.name()).node();
        list(vec![title, each(alike, |switch| one(switch, epoch, send))])
    };
    let more =
        if unfolded { words::FEWER_SWITCHES.to_string() } else { words::more_switches(hidden) };
    let more = tag!("button", "type" = "button", "aria-expanded" = unfolded; more);
    tag!("section", "class" = "switches";
        tag!("h2"; words::SWITCHES),
        tag!("p", "class" = "soft"; words::switched(changed, epoch)),
        each(alike, kind),
        tag!("p"; more.press(send, Msg::AllSwitches)),
    )
}

fn one(switch: &Switch, epoch: &str, send: &Callback<Msg>) -> Tag {
    let Switch { info, value, preset, .. } = switch;
    let choice = |choice: &&'static str| {
        let modelled = info.modelled.contains(choice);
        let missing = (!modelled).then(|| tag!("small"; " ", words::NOT_MODELLED));
        tag!("button", "type" = "button", "aria-pressed" = choice == value,
            "aria-disabled" = !modelled;
            *choice, missing,
        )
        // What is not modelled says so when it is pressed.
        .press(send, Msg::Set(info.name, choice))
    };
    let differs =
        (value != preset).then(|| tag!("b", "class" = "soft"; words::preset(epoch, preset)));
    tag!("div", "class" = classes(&["switch", when(value != preset, "set")]), "role" = "group",
        "aria-label" = info.name;
        tag!("p"; tag!("code", "translate" = "no"; info.name), " ", info.about),
        each(info.values, choice),
        differs,
    )
}
