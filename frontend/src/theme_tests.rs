//! The colours of style.css, recomputed: contrast (WCAG 1.4.3, 1.4.11), and that the fills of the stage can be told
//! apart by eyes of every kind (UI-702).

const STYLE: &str = include_str!("../style.css");
const THEMES: [&str; 2] = ["light", "dark"];

type Rgb = [f64; 3];

/// A colour token `--name: light-dark(#…, #…)` in one theme, as linear light.
fn token(name: &str, theme: &str) -> Rgb {
    let start = format!("  --{name}: light-dark(");
    let rest = STYLE.split_once(&start).unwrap_or_else(|| panic!("style.css has no --{name}")).1;
    let (pair, _) = rest.split_once(')').expect("a closed light-dark()");
    let (light, dark) = pair.split_once(", ").expect("two colours");
    hex(if theme == "light" { light } else { dark })
}

fn hex(text: &str) -> Rgb {
    let digits = text.strip_prefix('#').expect("a hexadecimal colour");
    let digits: Vec<u32> = digits.chars().map(|c| c.to_digit(16).expect("a digit")).collect();
    let byte = |n: usize| match digits.len() {
        3 => digits[n] * 17,
        _ => digits[2 * n] * 16 + digits[2 * n + 1],
    };
    [0, 1, 2].map(|n| {
        let share = f64::from(byte(n)) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    })
}

fn luminance([r, g, b]: Rgb) -> f64 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn times(matrix: [Rgb; 3], colour: Rgb) -> Rgb {
    matrix.map(|row| row.iter().zip(colour).map(|(m, c)| m * c).sum())
}

/// Full-strength colour blindness after Machado, Oliveira and Fernandes (2009), on linear light; and grey.
const EYES: [(&str, [Rgb; 3]); 5] = [
    ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protan",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deutan",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritan",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
    ("grey", [[0.2126, 0.7152, 0.0722]; 3]),
];

fn oklab(colour: Rgb) -> Rgb {
    let cone = [
        [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
        [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
        [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
    ];
    let lab = [
        [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
        [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
        [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
    ];
    times(lab, times(cone, colour.map(|share| share.clamp(0.0, 1.0))).map(f64::cbrt))
}

fn distance(one: Rgb, other: Rgb) -> f64 {
    let (a, b) = (oklab(one), oklab(other));
    100.0 * a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn text_can_be_read_on_every_ground_it_stands_on() {
    for theme in THEMES {
        for text in ["ink", "soft", "accent", "bad"] {
            for ground in ["paper", "panel", "tint"] {
                let found = contrast(token(text, theme), token(ground, theme));
                assert!(found >= 4.5, "{theme}: {text} on {ground} has {found:.2}");
            }
        }
        assert!(contrast(token("bad", theme), token("bad-tint", theme)) >= 4.5, "{theme}");
        assert!(contrast(token("soft", theme), token("free", theme)) >= 4.5, "{theme}");
        for (fill, ink) in [("V", "#111827"), ("Q", "#111827"), ("P", "#fff"), ("W", "#fff")] {
            let found = contrast(hex(ink), token(fill, theme));
            assert!(found >= 4.5, "{theme}: {ink} on {fill} has {found:.2}");
        }
        assert!(contrast(token("edge", theme), token("paper", theme)) >= 3.0, "{theme}: outlines");
    }
}

#[test]
fn every_eye_tells_the_fills_of_the_stage_apart() {
    let fills = ["free", "V", "Q", "P", "W"];
    for theme in THEMES {
        for (eye, matrix) in EYES {
            for (number, one) in fills.iter().enumerate() {
                for other in &fills[number + 1..] {
                    let seen = |fill: &str| times(matrix, token(fill, theme));
                    let found = distance(seen(one), seen(other));
                    assert!(
                        found >= 12.0,
                        "{theme}, {eye}: {one} and {other} are {found:.1} apart"
                    );
                }
            }
        }
    }
}
