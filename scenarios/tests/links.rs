//! The grammar of links: examples, every kind of fault, and fuzzing.

use daxscope_core::config::Epoch;
use daxscope_scenarios::{Link, Run, Side};
use proptest::prelude::*;

#[test]
fn the_example_of_the_grammar_reads_as_it_says() {
    let text = "#/1/revoke-reuse/~12.3.0*4/17?w=two-cpu&e=4.9&s=revoke.off,platform.eadr\
                &v=crash.kernel&x=2.0.1&f=b7&c=0a1b2c&m=1";
    let link: Link = text.parse().unwrap();
    assert_eq!(link.lecture, "revoke-reuse");
    let (third, first) = (Run::Choice { action: 3, times: 1 }, Run::Choice { action: 0, times: 4 });
    assert_eq!(link.path, [Run::ScriptSteps(12), third, first]);
    assert_eq!(link.step, 17);
    assert_eq!(link.variant.as_deref(), Some("two-cpu"));
    assert_eq!(link.side.epoch, Some(Epoch::V4_9));
    let switches: Vec<&str> = link.side.sets.iter().map(|(switch, _)| switch.as_str()).collect();
    assert_eq!(switches, ["revoke", "platform"]);
    assert_eq!(link.crash, [2, 0, 1]);
    assert_eq!(link.to_string(), text);
}

#[test]
fn a_short_link_and_a_whole_address_are_read() {
    assert_eq!("#/1/one-block".parse::<Link>().unwrap(), Link::to("one-block"));
    assert_eq!(Link::to("one-block").to_string(), "#/1/one-block/~/0");
    let address = "https://example.org/daxscope/?embed=1#/1/one-block/%7E/12";
    assert_eq!(address.parse::<Link>().unwrap().to_string(), "#/1/one-block/~/12");
    let compare: Link = "#/1/one-block/~/0?e2=4.10".parse().unwrap();
    assert_eq!(compare.other, Some(Side { epoch: Some(Epoch::V4_10), sets: vec![] }));
}

#[test]
fn the_history_has_an_address_of_its_own() {
    for text in ["#/1/?v=history", "https://example.org/#/1?v=history", "/1/?v=history"] {
        assert_eq!(text.parse::<Link>(), Ok(Link::history()), "{text}");
    }
    assert_eq!(Link::history().to_string(), "#/1/?v=history");
    assert!(Link::history().is_history());
    let lesson: Link = "#/1/one-block?v=history".parse().unwrap();
    assert!(!lesson.is_history(), "a lecture's link is the lecture's");
}

#[test]
fn the_wrong_part_is_named() {
    for (text, part, says) in [
        ("", "version", "expected `1`"),
        ("#/2/one-block", "version", "`2`"),
        ("#/1/", "lecture", "missing"),
        ("#/1/?v=histories", "lecture", "`?v=history`"),
        ("#/1//~/3?v=history", "lecture", "missing"),
        ("#/1/one block", "lecture", "`one block`"),
        ("#/1/a/~x/0", "path", "`x` is no number"),
        ("#/1/a/3*0/0", "path", "does nothing"),
        ("#/1/a/w/0", "path", "base 32"),
        ("#/1/a/~8.!/0", "path", "`` is no number"),
        ("#/1/a/~99999999999/0", "path", "is no number"),
        ("#/1/a/~/-1", "step", "`-1`"),
        ("#/1/a/~/1/2", "step", "`2` follows"),
        ("#/1/a/~/1?e=4.11", "e", "did you mean"),
        ("#/1/a/~/1?s=revoke", "s", "expected `switch.value`"),
        ("#/1/a/~/1?c=0a1b2", "c", "six characters"),
        ("#/1/a/~/1?q=1", "q", "unknown key `q`"),
        ("#/1/a/~/1?m=1&m=2", "m", "twice"),
        ("#/1/a/~/1?x=1..2", "x", "is no number"),
    ] {
        let error = text.parse::<Link>().unwrap_err();
        assert_eq!(error.part, part, "{text}: {error}");
        assert!(error.message.contains(says), "{text}: {error}");
    }
}

#[test]
fn three_hundred_free_choices_fit_two_thousand_characters() {
    let choice = |n: u32| Run::Choice { action: n % 40, times: 1 };
    let link = Link { path: (0..300).map(choice).collect(), ..Link::to("one-block-two-indices") };
    assert!(link.to_string().len() < 2_000, "{}", link.to_string().len());
}

fn name() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9-]{0,12}"
}

fn run() -> impl Strategy<Value = Run> {
    prop_oneof![
        Just(Run::Script),
        (0u32..=1_000_000).prop_map(Run::ScriptSteps),
        (0u32..=1_000_000).prop_map(|image| Run::PowerCut { image }),
        (0u32..1 << 30, 1u32..=1_000_000).prop_map(|(action, times)| Run::Choice { action, times }),
    ]
}

fn side() -> impl Strategy<Value = Side> {
    let epoch = proptest::option::of(proptest::sample::select(Epoch::ALL));
    (epoch, proptest::collection::vec((name(), name()), 0..3))
        .prop_map(|(epoch, sets)| Side { epoch, sets })
}

prop_compose! {
    fn link()(
        (lecture, path, step) in (name(), proptest::collection::vec(run(), 0..8), 0u32..=1_000_000),
        (variant, side, other) in (proptest::option::of(name()), side(), proptest::option::of(side())),
        (view, focus) in (proptest::option::of("[a-z.]{1,9}"), proptest::option::of("b[0-9]{1,2}")),
        crash in proptest::collection::vec(0u32..9, 0..5),
        (hash, model) in (proptest::option::of(0u32..1 << 30), proptest::option::of(0u32..99)),
    ) -> Link {
        Link { lecture, path, step, variant, side, other, view, crash, focus, hash, model }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_link_prints_reads_back_as_itself(link in link()) {
        prop_assert_eq!(link.to_string().parse::<Link>(), Ok(link));
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = text.parse::<Link>();
    }

    #[test]
    fn no_text_that_looks_like_a_link_makes_it_panic(
        text in "#?/?[12]?/[a-z%é-]{0,6}/[~0-9a-z*.%]{0,12}/[0-9]{0,12}\\??[a-z0-9=&.,%]{0,40}",
    ) {
        if let Ok(link) = text.parse::<Link>() {
            prop_assert_eq!(link.to_string().parse::<Link>(), Ok(link));
        }
    }
}
