//! The switches of a run: the values it has, those it could have, and which differ from its epoch (UI-610).

use yew::{Callback, Html};

use super::dom::{Node, Tag, classes, each, list, tag, when};
use crate::course::Switch;
use crate::msg::Msg;
use crate::words;

pub(crate) fn switches(all: &[Switch], epoch: &str, unfolded: bool, send: &Callback<Msg>) -> Tag {
    let differs = |switch: &&Switch| switch.value != switch.preset;
    let (about, others): (Vec<&Switch>, Vec<&Switch>) = all.iter().partition(|it| it.about);
    let hidden = others.iter().filter(|switch| !differs(switch)).count();
    // None moves when it is set: those that the lecture is about stay first, and of the others one that was set stays.
    let others: Vec<&Switch> =
        others.into_iter().filter(|switch| unfolded || differs(switch)).collect();
    let more = match unfolded {
        true => words::FEWER_SWITCHES.to_string(),
        false => words::more_switches(hidden),
    };
    let more = tag!("button", "type" = "button", "aria-expanded" = unfolded; more);
    tag!("section", "class" = "switches";
        tag!("h2"; words::SWITCHES),
        tag!("p", "class" = "soft"; words::switched(all.iter().filter(differs).count(), epoch)),
        groups(&about, epoch, send),
        tag!("p"; more.press(send, Msg::AllSwitches)),
        groups(&others, epoch, send),
    )
}

/// Switches by kind: history, settings, what-ifs.
fn groups(switches: &[&Switch], epoch: &str, send: &Callback<Msg>) -> Html {
    let alike = switches.chunk_by(|one, other| one.info.kind == other.info.kind);
    each(alike, |alike| {
        let title = tag!("h3"; alike[0].info.kind.name()).node();
        list(vec![title, each(alike, |switch| one(switch, epoch, send))])
    })
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
    .key(info.name)
}
