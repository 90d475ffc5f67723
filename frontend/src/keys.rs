//! Which key does what, and who owns the arrows (UI-1003 … UI-1027).

use crate::msg::{Go, Layer, Msg};

/// Where the focus is when a key is pressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// The body, the stage or the bar: bare arrows step.
    Stepping,
    /// A button or link there or elsewhere: Space and Enter are its own.
    Button,
    /// A button of the bar: arrows step, Space is its own.
    BarButton,
    /// The scrubber: a slider's own arrows are the steps.
    Slider,
    /// A tree, list or table that owns its arrows.
    OwnArrows,
    /// The sentence, the text of a panel: arrows scroll and read.
    Reading,
    /// An input, a select.
    Input,
}

/// What a pressed key asks for.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Command {
    /// A change of state.
    Do(Msg),
    /// Put a link to this step on the clipboard.
    CopyLink,
    /// Full screen on or off.
    FullScreen,
}

/// A pressed key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Press<'a> {
    /// `KeyboardEvent.key`.
    pub(crate) key: &'a str,
    /// Shift is held.
    pub(crate) shift: bool,
    /// Ctrl, Alt or Meta is held.
    pub(crate) other: bool,
}

/// What the screen is when a key is pressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Screen {
    /// The catalogue.
    Home,
    /// The stage.
    Stage,
    /// The text view: single keys are off.
    Text,
    /// A dialog is open.
    Dialog,
}

/// The command of a key, if it has one here.
pub(crate) fn command(press: Press, place: Place, screen: Screen) -> Option<Command> {
    if press.other {
        return None;
    }
    if screen == Screen::Dialog {
        return (press.key == "Escape").then_some(Command::Do(Msg::Close));
    }
    if place == Place::Input {
        return None;
    }
    match (screen, press.key) {
        (_, "?") => return Some(Command::Do(Msg::Show(Layer::Help))),
        (Screen::Text, "Escape") => return Some(Command::Do(Msg::Text)),
        (_, "o" | "O") if screen != Screen::Text => {
            return Some(Command::Do(Msg::Show(Layer::Open)));
        }
        (Screen::Home, "m" | "M") => return Some(Command::Do(Msg::NextTheme)),
        (Screen::Stage, _) => {}
        _ => return None,
    }
    if let Some(go) = stepping(press, place) {
        return Some(Command::Do(Msg::Go(go)));
    }
    if let [digit @ b'1'..=b'9'] = press.key.as_bytes() {
        return Some(Command::Do(Msg::Take(usize::from(digit - b'1'))));
    }
    if press.shift {
        return None;
    }
    if let [letter @ (b'a'..=b'd' | b'A'..=b'D')] = press.key.as_bytes() {
        let number = usize::from(letter.to_ascii_lowercase() - b'a');
        return Some(Command::Do(Msg::Answer(number)));
    }
    Some(match press.key {
        "g" | "G" => Command::Do(Msg::Show(Layer::GoTo)),
        "t" | "T" => Command::Do(Msg::Text),
        "m" | "M" => Command::Do(Msg::NextTheme),
        "u" | "U" => Command::Do(Msg::Fold),
        "l" | "L" => Command::CopyLink,
        "f" | "F" => Command::FullScreen,
        "Escape" => Command::Do(Msg::Close),
        _ => return None,
    })
}

fn stepping(press: Press, place: Place) -> Option<Go> {
    let arrows = matches!(place, Place::Stepping | Place::BarButton | Place::Slider);
    Some(match (press.key, press.shift) {
        ("ArrowRight", false) if arrows => Go::Next,
        ("ArrowLeft", false) if arrows => Go::Back,
        ("ArrowRight", true) if arrows => Go::NextEvent,
        ("ArrowLeft", true) if arrows => Go::PreviousEvent,
        ("ArrowUp", false) if place == Place::Slider => Go::Next,
        ("ArrowDown", false) if place == Place::Slider => Go::Back,
        ("Home", _) if arrows => Go::First,
        ("End", _) if arrows => Go::Last,
        (" ", false) if place == Place::Stepping => Go::Next,
        (" ", true) if place == Place::Stepping => Go::Back,
        ("PageDown" | "n" | "N", false) => Go::Next,
        ("PageUp" | "p" | "P", false) => Go::Back,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(key: &str, shift: bool) -> Press<'_> {
        Press { key, shift, other: false }
    }

    fn go(key: &str, shift: bool, place: Place) -> Option<Go> {
        match command(press(key, shift), place, Screen::Stage) {
            Some(Command::Do(Msg::Go(go))) => Some(go),
            _ => None,
        }
    }

    #[test]
    fn arrows_step_where_the_page_owns_them() {
        assert_eq!(go("ArrowRight", false, Place::Stepping), Some(Go::Next));
        assert_eq!(go("ArrowLeft", true, Place::Stepping), Some(Go::PreviousEvent));
        assert_eq!(go("ArrowRight", false, Place::BarButton), Some(Go::Next));
        for place in [Place::OwnArrows, Place::Reading, Place::Button, Place::Input] {
            assert_eq!(go("ArrowRight", false, place), None, "{place:?}");
        }
    }

    #[test]
    fn space_presses_a_focused_button() {
        assert_eq!(go(" ", false, Place::Stepping), Some(Go::Next));
        assert_eq!(go(" ", true, Place::Stepping), Some(Go::Back));
        assert_eq!(go(" ", false, Place::BarButton), None);
        assert_eq!(go(" ", false, Place::Button), None);
    }

    #[test]
    fn letters_and_page_keys_step_even_from_a_tree() {
        assert_eq!(go("n", false, Place::OwnArrows), Some(Go::Next));
        assert_eq!(go("PageUp", false, Place::OwnArrows), Some(Go::Back));
        assert_eq!(go("n", false, Place::Input), None);
    }

    #[test]
    fn held_modifiers_belong_to_the_browser() {
        let held = Press { key: "ArrowLeft", shift: false, other: true };
        assert_eq!(command(held, Place::Stepping, Screen::Stage), None);
    }

    #[test]
    fn single_keys_are_off_in_the_text_view_and_in_dialogs() {
        for key in ["n", "t", "1", "ArrowRight"] {
            for screen in [Screen::Text, Screen::Dialog] {
                assert_eq!(command(press(key, false), Place::Stepping, screen), None);
            }
        }
        let help = command(press("?", true), Place::Stepping, Screen::Text);
        assert_eq!(help, Some(Command::Do(Msg::Show(Layer::Help))));
    }

    #[test]
    fn digits_count_from_one() {
        let third = command(press("3", false), Place::Stepping, Screen::Stage);
        assert_eq!(third, Some(Command::Do(Msg::Take(2))));
    }
}
