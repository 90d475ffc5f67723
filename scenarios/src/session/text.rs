//! The text twin of a whole lecture: what the command line prints, the page's text view shows and
//! golden traces hold.

use super::Session;
use daxscope_core::view::text;
use std::fmt::Write;

impl Session {
    /// The whole lecture as text: what it asks and teaches, then [`Session::trace`].
    #[must_use]
    pub fn transcript(&self) -> String {
        let (lecture, variant) = (&self.lecture, self.variant());
        let mut out = String::new();
        let mut line = |text: &str| {
            out.push_str(text);
            out.push('\n');
        };
        if self.is_image() {
            line(&lecture.question);
        } else {
            line(&format!("{} {}: {}", lecture.id, lecture.slug, lecture.question));
            line(&format!("Variant {}: {}", variant.name, variant.title));
        }
        let sets = variant.sets.iter().chain(&self.choice.sets);
        let sets: String = sets.map(|(switch, value)| format!(", {switch}={value}")).collect();
        line(&format!("Epoch {}{sets}; {}", self.epoch().title(), variant.status.name()));
        line("");
        line(&lecture.teaches);
        line("");
        out + &self.trace()
    }

    /// Every step as text, the tables at the start, where a verdict shows and at the end, and what
    /// it came to. Says nothing of the epoch, so that epochs in which the same happens have the same trace.
    #[must_use]
    pub fn trace(&self) -> String {
        let mut out = String::new();
        for step in 0..=self.last_step() {
            out.push_str(&self.step_text(step));
        }
        let reached = self.reached();
        for unreached in &reached.unreached {
            writeln!(out, "Unreachable: {unreached}").expect("a string takes any text");
        }
        let verdicts: Vec<&str> = reached.verdicts.iter().map(|verdict| verdict.word()).collect();
        writeln!(out, "Verdict: {}", verdicts.join(", ")).expect("a string takes any text");
        out
    }

    /// One step as text: what happened, the author's sentences, the cut made here, and the tables
    /// where the lecture begins, shows a verdict or ends.
    ///
    /// # Panics
    /// If the path is shorter.
    #[must_use]
    pub fn step_text(&self, step: usize) -> String {
        let tables = step == 0 || step == self.last_step() || !self.verdicts_at(step).is_empty();
        let scene = if tables { self.scene(step) } else { self.brief(step) };
        let mut out = text::step(&scene);
        for sentence in self.sentences(step) {
            writeln!(out, "  note: {sentence}").expect("a string takes any text");
        }
        let cuts: Vec<&str> = self
            .cuts()
            .filter(|(_, at)| *at == Some(step))
            .map(|(cut, _)| cut.name.as_str())
            .collect();
        if !cuts.is_empty() {
            writeln!(out, "  cut: {}", cuts.join(", ")).expect("a string takes any text");
        }
        if tables {
            out.push_str(&text::tables(&scene));
        }
        out
    }
}
