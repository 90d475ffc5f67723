use super::*;
use crate::opened::Json;

fn home() -> State {
    State::new("", Theme::System)
}

fn first_lecture() -> State {
    let home = home();
    let lecture = &home.lectures[0];
    home.after(Msg::Visit(course::link(lecture, &lecture.default, 0)))
}

fn go(state: &State, go: Go) -> State {
    state.after(Msg::Go(go))
}

fn lesson(state: &State) -> &Lesson {
    state.lesson.as_ref().expect("a lesson is shown")
}

fn step(state: &State) -> usize {
    lesson(state).step
}

#[test]
fn the_catalogue_is_home_and_a_link_opens_a_lesson() {
    assert!(home().lesson.is_none());
    assert!(State::new("#/", Theme::System).notice.is_none());
    let state = first_lecture();
    assert_eq!((step(&state), &state.notice), (0, &None));
}

#[test]
fn a_boot_is_a_branch_with_an_address_of_its_own() {
    let home = home();
    let lecture = home.lectures.iter().find(|lecture| lecture.id == "S12").expect("in the whole");
    let choice = Choice { variant: "dax".into(), ..lecture.default.clone() };
    let state = home.after(Msg::Visit(course::link(lecture, &choice, 8)));
    assert!(lesson(&state).trunk.is_none());
    let torn = lesson(&state).parts.crash.classes[0].clone();
    let booted = state.after(Msg::Visit(lesson(&state).run.boot_link(8, torn.number)));
    assert_eq!((step(&booted), &booted.notice), (9, &None));
    assert!(lesson(&booted).parts.caption.sentence.starts_with("The power fails."));
    let end = go(&booted, Go::Last);
    assert!(step(&end) > 20 && lesson(&end).verdicts().contains(&torn.verdict.as_str()));
    // The address leads back to the very step, and from there to the lecture.
    let again = home.after(Msg::Visit(end.link()));
    assert_eq!((step(&again), again.link()), (step(&end), end.link()));
    let script = again.after(Msg::Rejoin);
    assert!(lesson(&script).trunk.is_none() && !lesson(&script).run.is_branch());
}

#[test]
fn stepping_stays_on_the_path() {
    let state = first_lecture();
    let last = lesson(&state).run.last();
    assert!(last > 1);
    assert_eq!(step(&go(&state, Go::Back)), 0);
    assert_eq!(step(&go(&state, Go::Next)), 1);
    assert_eq!(step(&go(&go(&state, Go::Last), Go::Next)), last);
    assert_eq!(step(&go(&state, Go::To(last + 100))), last);
    assert_eq!(step(&go(&go(&state, Go::Last), Go::First)), 0);
}

#[test]
fn a_move_that_leads_nowhere_changes_nothing() {
    let state = first_lecture();
    assert!(go(&state, Go::Back) == state);
}

#[test]
fn back_shows_the_very_moment_that_was_left() {
    let mut state = first_lecture();
    let mut seen = vec![state.clone()];
    while step(&state) < lesson(&state).run.last() {
        state = go(&state, Go::Next);
        seen.push(state.clone());
    }
    for before in seen.iter().rev().skip(1) {
        state = go(&state, Go::Back);
        assert!(lesson(&state).parts == lesson(before).parts, "step {}", step(before));
    }
}

#[test]
fn events_are_visited_in_both_directions() {
    let mut state = first_lecture();
    let last = lesson(&state).run.last();
    let mut forward = vec![0];
    while step(&state) < last {
        state = go(&state, Go::NextEvent);
        forward.push(step(&state));
    }
    for stop in &forward[1..forward.len() - 1] {
        assert!(lesson(&state).run.marks()[*stop].event);
    }
    let mut backward = vec![step(&state)];
    while step(&state) > 0 {
        state = go(&state, Go::PreviousEvent);
        backward.push(step(&state));
    }
    backward.reverse();
    assert_eq!(forward, backward);
}

#[test]
fn a_part_that_a_step_leaves_alone_stays_the_same() {
    let mut state = first_lecture();
    let mut kept = 0;
    while step(&state) < lesson(&state).run.last() {
        let next = go(&state, Go::Next);
        let (before, after) = (&lesson(&state).parts, &lesson(&next).parts);
        kept += usize::from(Rc::ptr_eq(&before.threads, &after.threads));
        kept += before.rows.iter().zip(after.rows.iter()).filter(|(a, b)| Rc::ptr_eq(a, b)).count();
        state = next;
    }
    assert!(kept > 0);
}

#[test]
fn a_link_leads_to_the_same_moment() {
    let state = go(&go(&first_lecture(), Go::Next), Go::Next);
    let again = State::new(&state.link(), Theme::System);
    assert_eq!(step(&again), 2);
    assert_eq!(again.notice, None);
    assert!(lesson(&again).parts == lesson(&state).parts);
    assert_eq!(again.link(), state.link());
}

#[test]
fn a_bad_link_says_why_and_a_step_too_far_shows_the_last_one() {
    for bad in ["#nonsense", "#/1/no-such-lecture/~/3", "#/9/x/~/0", "#/1//", "#/1/%ff/~~/-"] {
        let state = State::new(bad, Theme::System);
        assert!(state.lesson.is_none(), "{bad}");
        assert!(state.notice.as_ref().is_some_and(|notice| notice.alert), "{bad}");
    }
    let state = first_lecture();
    let last = lesson(&state).run.last();
    let far = state.link().replacen("/~/0", &format!("/~/{}", last + 7), 1);
    let far = State::new(&far, Theme::System);
    assert_eq!(step(&far), last);
    assert!(far.notice.is_some_and(|notice| notice.alert && !notice.text.is_empty()));
}

#[test]
fn another_epoch_keeps_the_step_or_says_that_it_is_not_there() {
    for lecture in home().lectures.iter() {
        let state = home().after(Msg::Visit(course::link(lecture, &lecture.default, 0)));
        let end = go(&state, Go::Last);
        for epoch in course::epochs(lecture, &lecture.default).iter() {
            let near = go(&state, Go::Next).after(Msg::Epoch(epoch.name.to_string()));
            assert_eq!(step(&near), 1);
            assert_eq!(lesson(&near).run.choice().epoch, epoch.name);
            let far = end.after(Msg::Epoch(epoch.name.to_string()));
            let cut = step(&end) > lesson(&far).run.last();
            assert_eq!(far.notice.is_some(), cut);
            assert!(far.notice.is_none_or(|notice| !notice.alert));
        }
    }
}

#[test]
fn every_variant_can_be_chosen() {
    for lecture in home().lectures.iter() {
        let state = home().after(Msg::Visit(course::link(lecture, &lecture.default, 0)));
        for (name, _) in &lecture.variants {
            let chosen = state.after(Msg::Variant(name.clone()));
            assert_eq!(lesson(&chosen).run.choice().variant, *name);
        }
    }
}

#[test]
fn the_scripted_action_is_the_next_step_and_another_one_is_a_branch() {
    let mut state = first_lecture();
    while step(&state) < lesson(&state).run.last() {
        for (number, action) in lesson(&state).parts.enabled.iter().enumerate() {
            let taken = state.after(Msg::Take(number));
            assert_eq!(step(&taken), step(&state) + 1, "{action:?}");
            assert_eq!(lesson(&taken).trunk.is_none(), action.scripted, "{action:?}");
            let back = taken.after(Msg::Rejoin);
            assert!(Rc::ptr_eq(&lesson(&back).run, &lesson(&state).run));
        }
        state = go(&state, Go::Next);
    }
    assert!(state.after(Msg::Take(99)) == state);
}

#[test]
fn the_theme_goes_round_and_is_known_by_its_name() {
    let mut state = home();
    for theme in [Theme::Light, Theme::Dark, Theme::System] {
        state = state.after(Msg::NextTheme);
        assert_eq!(state.theme, theme);
        assert_eq!(Theme::named(theme.name()), theme);
    }
    assert_eq!(Theme::named("unknown"), Theme::System);
}

#[test]
fn layers_close_from_the_top() {
    let state = first_lecture().after(Msg::Pin("b1".into())).after(Msg::Show(Layer::Help));
    let state = state.after(Msg::Close);
    assert_eq!((state.layer, state.focus().is_some()), (Layer::None, true));
    assert!(state.after(Msg::Close).focus().is_none());
    assert_eq!(home().after(Msg::Show(Layer::GoTo)).layer, Layer::None);
}

#[test]
fn a_marked_block_is_found_in_all_its_places() {
    let state = go(&first_lecture(), Go::Last);
    let parts = &lesson(&state).parts;
    let used = parts.columns.iter().find(|column| column.used).expect("a lecture uses a block");
    let state = state.after(Msg::Pin(used.label.as_str().into()));
    assert_eq!(state.focus().map(|block| &**block), Some(used.label.as_str()));
    assert!(!lesson(&state).parts.places(&used.label).is_empty());
    assert!(lesson(&state).parts.places("no block").is_empty());
    let pointed = state.after(Msg::Look(Some("b0".into())));
    assert_eq!(pointed.focus().map(|block| &**block), Some("b0"));
    assert!(pointed.after(Msg::Look(None)).focus() == state.focus());
    assert!(state.after(Msg::Pin(used.label.as_str().into())).focus().is_none());
}

#[test]
fn text_and_folding_are_toggles() {
    let state = first_lecture();
    assert!(state.after(Msg::Text).text);
    assert!(state.after(Msg::Text).after(Msg::Text) == state);
    assert!(state.after(Msg::Fold).unfolded);
    assert!(!home().after(Msg::Text).text);
}

#[test]
fn going_home_lets_everything_go() {
    let state = go(&first_lecture(), Go::Next).after(Msg::Text).after(Msg::Visit("#/".into()));
    assert!(state == home());
}

#[test]
fn the_first_answer_counts_and_the_next_step_says_what_was_right() {
    let mut asked = 0;
    for lecture in home().lectures.iter() {
        let mut state = home().after(Msg::Visit(course::link(lecture, &lecture.default, 0)));
        loop {
            let question = lesson(&state).run.question(step(&state));
            if let Some(question) = &question {
                asked += 1;
                assert!(question.right < question.answers.len());
                state = state.after(Msg::Answer(question.right)).after(Msg::Answer(0));
                let shown = lesson(&state).asked().expect("a question is asked");
                assert_eq!((shown.answer, shown.revealed), (Some(question.right), false));
            } else {
                assert!(state.after(Msg::Answer(0)) == state);
            }
            if step(&state) == lesson(&state).run.last() {
                break;
            }
            state = go(&state, Go::Next);
            let shown = lesson(&state).asked().filter(|shown| shown.revealed);
            assert!(
                question.is_none()
                    || shown.is_some()
                    || lesson(&state).run.question(step(&state)).is_some()
            );
        }
    }
    assert!(asked > 0);
}

/// The history with everything computed, and how many tasks that took.
fn computed() -> (State, usize) {
    let mut state = State::new("#/1/?v=history", Theme::System);
    let mut tasks = 0;
    while state.waiting().is_some() {
        state = state.after(Msg::Compute);
        tasks += 1;
    }
    (state, tasks)
}

#[test]
fn the_history_has_its_own_address_and_is_computed_a_little_at_a_time() {
    let (state, tasks) = computed();
    assert!(state.history && state.lesson.is_none());
    assert_eq!(state.link(), "#/1/?v=history");
    assert_eq!(state.place(), state.link());
    let (done, all) = history::progress(&state.lines);
    assert_eq!(done, all);
    assert!(tasks > state.lectures.len() && tasks < all, "{tasks} tasks for {all} runs");
    assert!(state.after(Msg::Compute) == state, "nothing is left to do");
    assert!(!state.after(Msg::Visit(String::new())).history);
}

#[test]
fn the_history_is_what_the_checks_of_the_lectures_find() {
    let (state, _) = computed();
    let rows: Vec<_> =
        course::shelf().iter().flat_map(|source| daxscope_scenarios::check(source)).collect();
    let mut compared = 0;
    for line in state.lines.iter() {
        let id = &state.lectures[line.lecture].id;
        for epoch in line.ran() {
            let same = |row: &&daxscope_scenarios::Row| {
                (row.id.as_str(), row.variant.as_str(), row.epoch.name())
                    == (id, line.choice.variant.as_str(), epoch.name)
            };
            let row = rows.iter().find(same).expect("the check has the same runs");
            assert_eq!((epoch.last.0, epoch.ok), (row.verdict(), row.verdict() == "ok"));
            assert_eq!(epoch.derived, row.basis.name() == "derived");
            compared += 1;
        }
    }
    assert_eq!(compared, rows.len());
}

#[test]
fn a_cell_of_the_history_opens_its_run_at_the_step_that_decides() {
    let (state, _) = computed();
    let mut opened = 0;
    for line in state.lines.iter() {
        let lecture = &state.lectures[line.lecture];
        for epoch in line.ran().filter(|epoch| !epoch.ok) {
            let choice = Choice { epoch: epoch.name.to_string(), ..line.choice.clone() };
            let link = course::link(lecture, &choice, epoch.decided_at);
            let at = State::new(&link, Theme::System);
            assert_eq!(at.notice, None, "{link}");
            assert_eq!(lesson(&at).run.choice(), &choice);
            let shown = &lesson(&at).parts.caption.verdicts;
            assert!(shown.iter().any(|word| word == epoch.last.0), "{link}: {shown:?}");
            opened += 1;
        }
    }
    assert!(opened > 0);
}

#[test]
fn the_catalogue_computes_what_it_shows_and_no_more() {
    let mut state = home();
    while state.waiting().is_some() {
        state = state.after(Msg::Compute);
    }
    for line in state.lines.iter() {
        let first = line.choice == state.lectures[line.lecture].default;
        assert_eq!(line.ran().count() > 0, first, "{}", line.title);
    }
    assert!(first_lecture().waiting().is_none(), "a lesson computes nothing aside");
}

fn switch<'a>(state: &'a State, name: &str) -> &'a course::Switch {
    let switches = lesson(state).run.switches();
    switches.iter().find(|switch| switch.info.name == name).expect("there is such a switch")
}

#[test]
fn a_switch_replays_the_path_stays_at_its_step_and_is_in_the_link() {
    let state = State::new("#/1/fsync-crash-matrix/~/9", Theme::System);
    let set = state.after(Msg::Set("platform", "eadr"));
    assert_eq!((step(&set), &set.notice), (9, &None));
    assert_eq!((switch(&set, "platform").value, switch(&set, "platform").preset), ("eadr", "adr"));
    assert!(set.link().contains("s=platform.eadr"), "{}", set.link());
    let again = State::new(&set.link(), Theme::System);
    assert!(lesson(&again).parts == lesson(&set).parts);
    assert!(lesson(&set).parts != lesson(&state).parts, "the picture differs");
    let back = set.after(Msg::Set("platform", "adr"));
    assert_eq!(back.link(), state.link());
    assert!(back.after(Msg::Set("platform", "adr")) == back, "nothing to do");
}

#[test]
fn a_switch_that_cannot_be_set_says_why_and_changes_nothing() {
    let state = State::new("#/1/fsync-crash-matrix/~/9", Theme::System);
    for (name, value, says) in [
        ("jbd-forget", "no-such-value", "no-such-value"),
        ("entry-lock", "yes", "entry-layout=packed-4.7"),
    ] {
        let refused = state.after(Msg::Set(name, value));
        let notice = refused.notice.as_ref().expect("it says why");
        assert!(!notice.alert && notice.text.contains(says), "{}", notice.text);
        assert!(lesson(&refused) == lesson(&state), "{name}");
    }
    let missing = lesson(&state).run.switches().iter().find_map(|switch| {
        let value = switch.info.values.iter().find(|it| !switch.info.modelled.contains(it))?;
        (*value != switch.value).then_some((switch.info.name, *value))
    });
    if let Some((name, value)) = missing {
        let refused = state.after(Msg::Set(name, value));
        let says = format!("not modelled yet: {name}={value}");
        assert!(refused.notice.is_some_and(|notice| notice.text.contains(&says)));
    }
}

#[test]
fn a_branch_is_replayed_under_another_kernel_as_far_as_it_goes() {
    let mut state = State::new("#/1/fsync-crash-matrix/~/0?e=4.10", Theme::System);
    while lesson(&state).parts.enabled.len() < 2 {
        state = go(&state, Go::Next);
    }
    // Evict a line, then let the writer go on to its end.
    state = state.after(Msg::Take(1));
    assert!(lesson(&state).trunk.is_some());
    while let Some(number) =
        lesson(&state).parts.enabled.iter().position(|action| action.actor == "writer")
    {
        state = state.after(Msg::Take(number));
    }
    let end = step(&state);
    let same = state.after(Msg::Set("platform", "eadr"));
    assert_eq!((step(&same), &same.notice), (end, &None));
    assert!(lesson(&same).trunk.is_some(), "it is a branch still");
    let older = state.after(Msg::Epoch("4.5.0".to_string()));
    let notice = older.notice.as_ref().expect("it says where it ends");
    let last = lesson(&older).run.last();
    assert!(last < end && notice.text.contains(&format!("step {}", last + 1)), "{}", notice.text);
    assert_eq!(step(&older), last);
    let script = older.after(Msg::Rejoin);
    assert!(lesson(&script).trunk.is_none());
    assert_eq!(lesson(&script).run.choice().epoch, "4.5.0");
}

#[test]
fn epochs_in_which_a_switch_does_not_fit_stay_in_the_row() {
    let state = State::new("#/1/fsync-crash-matrix/~/0?e=4.7", Theme::System);
    let set = state.after(Msg::Set("entry-layout", "packed-4.7"));
    assert!(lesson(&set) == lesson(&state), "the epoch has it anyway");
    let state = State::new("#/1/fsync-crash-matrix/~/0?e=6.12&s=entry-lock.yes", Theme::System);
    let run = &lesson(&state).run;
    let epochs = course::epochs(run.lecture(), run.choice());
    assert_eq!(epochs.len(), run.lecture().epochs.len());
    assert_eq!(epochs[0].verdict, words::NOT_POSSIBLE, "4.5-rc1 has no bit for a lock");
    assert!(!epochs[0].ok && epochs.last().is_some_and(|epoch| epoch.verdict == "ok"));
}

fn opened(state: &State, name: &str, content: Content) -> State {
    state.after(Msg::Open(Rc::new(File { name: name.into(), content })))
}

fn image() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../e2e/tests/fixtures/left.img");
    std::fs::read(path).expect("the fixture is there")
}

#[test]
fn an_image_becomes_the_lesson_and_no_link_leads_to_it() {
    let home = home();
    assert_eq!(home.after(Msg::Visit("#/1/?v=open".into())).layer, Layer::Open);
    let state = opened(&home, "left.img", Content::Device(image()));
    assert!(state.is_image() && state.notice.is_none());
    assert_eq!(state.title().as_deref(), Some("What boots from left.img?"));
    assert_eq!((state.link().as_str(), state.place()), ("#/1/?v=open", state.link()));
    let (end, run) = (go(&state, Go::Last), &lesson(&state).run);
    assert!(lesson(&end).verdicts().is_empty() && step(&end) > 10);
    // Every step is on the timeline, and so is where one would stop.
    assert_eq!(run.marks().len(), run.last() + 1);
    let stops = run.marks().iter().filter(|mark| mark.event).count();
    assert!((4..run.last()).contains(&stops), "{stops}");
    assert!(run.changes().iter().any(|count| *count > 0));
    // Another kernel, another image of a power cut, and back.
    let older = end.after(Msg::Epoch("4.5.0".into()));
    assert_eq!(lesson(&older).run.choice().epoch, "4.5.0");
    assert!(older.is_image());
    let booted = go(&state, Go::To(4)).after(Msg::Boot(0));
    assert_eq!((step(&booted), lesson(&booted).trunk.is_some()), (5, true));
    assert!(lesson(&booted).parts.caption.sentence.starts_with("The power fails."));
    assert!(lesson(&booted.after(Msg::Rejoin)).trunk.is_none());
}

#[test]
fn what_cannot_be_opened_changes_nothing_but_the_notice() {
    let state = go(&first_lecture(), Go::Next);
    let wrong = [
        (Content::Device(vec![1; 100]), "100 bytes are no device"),
        (Content::Json(Json::Object(vec![])), "`format` is missing"),
        (Content::Json(Json::List(vec![Json::Null])), "it is a list, expected an object"),
        (Content::Unreadable("no such thing".into()), "no such thing"),
    ];
    for (content, why) in wrong {
        let after = opened(&state.after(Msg::Show(Layer::Open)), "x", content);
        let notice = after.notice.clone().expect("it is told");
        assert!(notice.alert && notice.text.contains(why), "{}", notice.text);
        assert!(State { notice: None, ..after } == state);
    }
    let opening = state.after(Msg::Show(Layer::Open)).after(Msg::Opening("x".into()));
    assert_eq!(opening.layer, Layer::None);
    assert!(!opening.notice.expect("it is told").alert);
}
