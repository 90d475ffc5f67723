//! A question before a step, and what came of it after.

use yew::Callback;

use super::dom::{Tag, classes, each, tag, when};
use crate::lesson::Asked;
use crate::msg::Msg;
use crate::words;

pub(crate) fn question(asked: &Asked, send: &Callback<Msg>) -> Tag {
    let Asked { question, answer, revealed } = asked;
    let option = |(number, text): (usize, &String)| {
        let chosen = *answer == Some(number);
        let right = *revealed && number == question.right;
        let letter = char::from(b'A' + number as u8).to_string();
        let button = tag!("button", "type" = "button", "aria-pressed" = chosen,
            "aria-keyshortcuts" = &letter, "aria-disabled" = answer.is_some() || *revealed,
            "class" = classes(&[when(right, "right")]);
            tag!("kbd"; letter), tag!("span"; text),
            right.then(|| tag!("em"; "✓ ", words::RIGHT)),
            (chosen && !right).then(|| tag!("em"; words::YOURS)),
        );
        tag!("li"; button.press(send, Msg::Answer(number)))
    };
    let answered = answer.is_some() && !revealed;
    tag!("section", "class" = "ask";
        tag!("h2"; if *revealed { words::OUTCOME } else { words::PREDICT }),
        tag!("p"; &question.ask),
        tag!("ol"; each(question.answers.iter().enumerate(), option)),
        answered.then(|| tag!("p", "class" = "soft"; words::ANSWERED)),
    )
}
