//! The text of a lecture cut at its steps, so that it can be read by headings.

/// A heading and what stands under it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Section {
    pub(crate) heading: String,
    pub(crate) body: String,
}

/// Cuts the text where a line without indent begins a step; nothing is added or left out.
pub(crate) fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        if sections.is_empty() || line.starts_with("Step ") {
            sections.push(Section { heading: line.to_string(), body: String::new() });
        } else if let Some(section) = sections.last_mut() {
            section.body.push_str(line);
            section.body.push('\n');
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_text_is_in_the_sections() {
        let text = "S01 a question\nby hand\n\nStep 1: it acts\n  more\nStep 2: again\n";
        let sections = sections(text);
        assert_eq!(sections.len(), 3);
        let joined: Vec<String> =
            sections.iter().map(|it| format!("{} {}", it.heading, it.body)).collect();
        let words = |text: &str| text.split_whitespace().map(str::to_string).collect::<Vec<_>>();
        assert_eq!(words(&joined.join(" ")), words(text));
    }
}
