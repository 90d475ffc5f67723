//! The numbers of a benchmark in words: what `daxscope bench --json` writes, read with doubt.

use super::Json;
use crate::words;

/// The version of the format.
const FORMAT: f64 = 1.0;

/// What was measured, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Numbers {
    /// The file they come from.
    pub(crate) file: String,
    /// Medium, flush instruction, machine.
    pub(crate) measured_on: String,
    /// The machine is emulated: counts hold, times do not.
    pub(crate) emulated: bool,
    pub(crate) rows: Vec<Cost>,
}

/// A measured row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Cost {
    /// The kernel functions whose cost it is.
    functions: Vec<String>,
    group: String,
    pub(crate) case: String,
    /// Its place among cases that differ in a size only.
    pub(crate) sweep: Option<Sweep>,
    /// `12.3`, in nanoseconds.
    pub(crate) took: String,
    /// What it took that for: `entry`.
    pub(crate) unit: String,
    /// `11.9 to 12.8 ns`
    pub(crate) spread: String,
    /// Each peer, and how many times as long as it: `1.04`.
    pub(crate) beside: Vec<(String, String)>,
    /// `write-backs 1`, `fences 0`; none if nothing was counted.
    pub(crate) counts: Vec<String>,
    pub(crate) note: String,
}

/// A size.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sweep {
    /// What all cases of the sweep have in common.
    pub(crate) name: String,
    /// What the size counts: `blocks`.
    pub(crate) of: String,
    pub(crate) at: String,
}

impl Numbers {
    /// Reads the numbers of a file.
    ///
    /// # Errors
    /// In words: the first thing that is not as it must be, and where.
    pub(crate) fn of(file: &str, json: &Json) -> Result<Self, String> {
        let all = At { path: String::new(), json };
        let format = all.get("format")?.number()?;
        if format != FORMAT {
            return Err(words::expected_at("format", &exactly(format), "1"));
        }
        let machine = all.get("machine")?;
        let emulated = machine.get("emulated")?.json == &Json::Bool(true);
        let places = [
            all.get("medium")?.text()?,
            machine.get("flush")?.text()?,
            machine.get("cpu")?.text()?,
            machine.get("kernel")?.text()?,
        ];
        let mut rows: Vec<Cost> = Vec::new();
        for row in all.get("rows")?.list()? {
            let cost = cost(&row)?;
            // A case has a row for each of its peers.
            match rows.iter_mut().find(|known| known.is_case_of(&cost)) {
                Some(known) => known.beside.extend(cost.beside),
                None => rows.push(cost),
            }
        }
        Ok(Self { file: file.to_string(), measured_on: places.join(" · "), emulated, rows })
    }

    /// What was measured of a kernel function.
    pub(crate) fn of_function(&self, function: &str) -> impl Iterator<Item = &Cost> {
        self.rows.iter().filter(move |row| row.functions.iter().any(|name| name == function))
    }

    /// The functions of which something was measured, each once.
    pub(crate) fn functions(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.rows.iter().flat_map(|row| &row.functions) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }
}

impl Cost {
    /// Whether another row differs in nothing but the peer.
    fn is_case_of(&self, other: &Self) -> bool {
        let said = |cost: &Self| {
            [&cost.group, &cost.case, &cost.took, &cost.spread, &cost.note].map(String::clone)
        };
        self.functions == other.functions && said(self) == said(other)
    }
}

fn cost(row: &At<'_>) -> Result<Cost, String> {
    let functions = row.get("functions")?.list()?;
    let spread = row.get("ours_spread")?.list()?;
    let [low, high] = &spread[..] else {
        return Err(words::expected_at(&row.at("ours_spread"), &spread.len().to_string(), "2"));
    };
    let peer = row.get("peer")?.text()?;
    let beside = match (peer.is_empty(), row.get("ratio")?) {
        (true, _) | (_, At { json: Json::Null, .. }) => Vec::new(),
        (_, ratio) => vec![(peer, short(ratio.number()?))],
    };
    let counts = match row.get("counts")?.json {
        Json::Object(counts) => {
            let count = |(name, count): &(String, Json)| {
                let at = At { path: row.at(name), json: count };
                Ok([&name.replace('_', "-"), " ", &exactly(at.number()?)].concat())
            };
            counts.iter().map(count).collect::<Result<_, String>>()?
        }
        _ => Vec::new(),
    };
    // Reports of older versions know of no sweeps.
    let sweep = match row.get("sweep") {
        Ok(sweep) if sweep.json != &Json::Null => Some(Sweep {
            name: sweep.get("name")?.text()?,
            of: sweep.get("of")?.text()?,
            at: exactly(sweep.get("at")?.number()?),
        }),
        _ => None,
    };
    Ok(Cost {
        functions: functions.iter().map(At::text).collect::<Result<_, _>>()?,
        group: row.get("group")?.text()?,
        case: row.get("case")?.text()?,
        sweep,
        took: short(row.get("ours_ns")?.number()?),
        unit: row.get("unit")?.text()?,
        spread: words::spread(&short(low.number()?), &short(high.number()?)),
        beside,
        counts,
        note: row.get("note")?.text()?,
    })
}

/// A value and where it stands.
struct At<'a> {
    path: String,
    json: &'a Json,
}

impl<'a> At<'a> {
    fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_string() } else { [&self.path, ".", name].concat() }
    }

    fn get(&self, name: &str) -> Result<Self, String> {
        let Json::Object(fields) = self.json else { return self.not("an object") };
        let found = fields.iter().find(|(key, _)| key == name);
        let missing = || words::missing_at(&self.at(name));
        found.map(|(_, json)| At { path: self.at(name), json }).ok_or_else(missing)
    }

    fn list(&self) -> Result<Vec<Self>, String> {
        let Json::List(items) = self.json else { return self.not("a list") };
        let item = |(n, json): (usize, &'a Json)| At {
            path: [&self.path, "[", &n.to_string(), "]"].concat(),
            json,
        };
        Ok(items.iter().enumerate().map(item).collect())
    }

    fn text(&self) -> Result<String, String> {
        let Json::Text(text) = self.json else { return self.not("a text") };
        Ok(text.clone())
    }

    /// A number that can be shown: not negative, not beyond all measure.
    fn number(&self) -> Result<f64, String> {
        match self.json {
            Json::Number(number) if (0.0..1e15).contains(number) => Ok(*number),
            _ => self.not("a number from 0 on"),
        }
    }

    fn not<T>(&self, expected: &str) -> Result<T, String> {
        let found = match self.json {
            Json::Null => "null",
            Json::Bool(_) => "true or false",
            Json::Number(_) => "a number",
            Json::Text(_) => "a text",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        };
        Err(words::expected_at(&self.path, found, expected))
    }
}

/// A number with about three digits that tell something: `0.97`, `12.3`, `1240`.
fn short(number: f64) -> String {
    match number {
        number if number < 10.0 => decimal(number, 2),
        number if number < 100.0 => decimal(number, 1),
        number => decimal(number, 0),
    }
}

/// A count, or one per operation that need not be whole.
fn exactly(number: f64) -> String {
    let text = decimal(number, if number < 0.01 { 6 } else { 2 });
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// In whole numbers, for what prints floating-point numbers is large.
fn decimal(number: f64, places: u32) -> String {
    let scale = 10_u64.pow(places);
    let scaled = (number * scale as f64).round() as u64;
    let (whole, rest) = (scaled / scale, scaled % scale);
    match places {
        0 => whole.to_string(),
        places => format!("{whole}.{rest:0width$}", width = places as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn convert(value: &Value) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Bool(yes) => Json::Bool(*yes),
            Value::Number(number) => Json::Number(number.as_f64().expect("a number")),
            Value::String(text) => Json::Text(text.clone()),
            Value::Array(items) => Json::List(items.iter().map(convert).collect()),
            Value::Object(fields) => {
                Json::Object(fields.iter().map(|(name, it)| (name.clone(), convert(it))).collect())
            }
        }
    }

    fn read(value: &Value) -> Result<Numbers, String> {
        Numbers::of("bench.json", &convert(value))
    }

    fn sound() -> Value {
        json!({
            "format": 1, "medium": "DRAM-backed", "file_system": "tmpfs",
            "machine": { "cpu": "CPU 1", "kernel": "6.1", "emulated": false, "flush": "clwb" },
            "rows": [
                { "group": "flush", "case": "one dirty line", "functions": ["dax_writeback_one"], "unit": "entry",
                  "ours_ns": 12.34, "ours_spread": [9.996, 12.8], "peer": "bare clwb loop", "peer_ns": 11.8,
                  "ratio": 1.0449, "won": false, "counts": { "write_backs": 1, "fences": 0.5 }, "note": "",
                  "sweep": { "name": "flush", "of": "entries", "at": 100.0 } },
                { "group": "flush", "case": "one dirty line", "functions": ["dax_writeback_one"], "unit": "entry",
                  "ours_ns": 12.34, "ours_spread": [9.996, 12.8], "peer": "libpmem", "ratio": 2.1, "won": false,
                  "counts": { "write_backs": 1, "fences": 0.5 }, "note": "" },
                { "group": "fs", "case": "create", "functions": ["ext4_create", "ext4_add_entry"], "unit": "file",
                  "ours_ns": 1240.4, "ours_spread": [1200, 1300], "peer": "", "ratio": null, "won": null,
                  "counts": null, "note": "in bursts", "sweep": null },
            ],
        })
    }

    #[test]
    fn rows_are_told_in_words_beside_their_function() {
        let numbers = read(&sound()).unwrap();
        assert_eq!(numbers.measured_on, "DRAM-backed · clwb · CPU 1 · 6.1");
        let found: Vec<&Cost> = numbers.of_function("dax_writeback_one").collect();
        let [cost] = found[..] else { panic!("{found:?}") };
        assert_eq!([&*cost.took, &cost.unit, &cost.spread], ["12.3", "entry", "10.00 to 12.8 ns"]);
        let beside = [("bare clwb loop", "1.04"), ("libpmem", "2.10")];
        assert_eq!(cost.beside, beside.map(|(peer, ratio)| (peer.into(), ratio.into())));
        assert_eq!(cost.counts, ["fences 0.5", "write-backs 1"]);
        let sweep = cost.sweep.as_ref().map(|sweep| [&*sweep.name, &sweep.of, &sweep.at]);
        assert_eq!(sweep, Some(["flush", "entries", "100"]));
        let found: Vec<&Cost> = numbers.of_function("ext4_add_entry").collect();
        assert_eq!((&*found[0].took, &*found[0].unit, found[0].beside.len()), ("1240", "file", 0));
        assert_eq!(found[0].sweep, None);
        assert_eq!(numbers.of_function("dax_writeback").count(), 0);
        assert_eq!(numbers.functions().len(), 3);
        assert_eq!(numbers.rows.len(), 2, "a case has a row for each of its peers");
    }

    #[test]
    fn cases_of_two_groups_are_two_whatever_they_are_called() {
        let mut json = sound();
        json["rows"][1]["group"] = json!("journal");
        assert_eq!(read(&json).unwrap().rows.len(), 3);
    }

    #[test]
    fn numbers_have_the_digits_that_tell_something() {
        let told = [0.974, 12.34, 402.5, 24_100.0].map(short);
        assert_eq!(told, ["0.97", "12.3", "403", "24100"]);
        assert_eq!(
            [64.0, 0.5, 0.02, 0.000_01, 0.0].map(exactly),
            ["64", "0.5", "0.02", "0.00001", "0"]
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        type Change = fn(&mut Value);
        let wrong = |change: Change| {
            let mut json = sound();
            change(&mut json);
            read(&json).unwrap_err()
        };
        let cases: [(Change, &str); 7] = [
            (|json| json["format"] = json!(2), "`format` is 2, expected 1"),
            (|json| json["rows"] = json!({}), "`rows` is an object, expected a list"),
            (|json| json["rows"][2]["ours_ns"] = json!("1"), "`rows[2].ours_ns` is a text"),
            (|json| json["rows"][0]["ours_ns"] = json!(-1), "`rows[0].ours_ns` is a number"),
            (|json| json["rows"][0]["ours_spread"] = json!([1]), "`rows[0].ours_spread` is 1"),
            (|json| json["machine"] = json!(null), "`machine` is null, expected an object"),
            (|json| drop(json.as_object_mut().unwrap().remove("medium")), "`medium` is missing"),
        ];
        for (change, expected) in cases {
            let found = wrong(change);
            assert!(found.contains(expected), "{found}");
        }
    }
}
