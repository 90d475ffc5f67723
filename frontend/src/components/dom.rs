//! Elements by a function call. yew's `html!` writes the making of every element out in place, which takes some
//! 400 bytes of WebAssembly each; [`tag!`] makes the same elements in a quarter of that.

use std::rc::Rc;

use web_sys::Event;
use yew::prelude::*;
use yew::virtual_dom::{
    AttributeOrProperty, Attributes, Listener, ListenerKind, VList, VTag, VText,
};

use crate::msg::Msg;

/// An element: `tag!("li", "class" = class, "title" = title; child, child)`. A value is any [`Value`], a child any
/// [`Node`]. Listeners and a key follow as method calls, see [`Tag`].
macro_rules! tag {
    ($name:literal $(, $key:literal = $value:literal)* $(; $($child:expr),* $(,)?)?) => {
        $crate::components::dom::plain(
            $name,
            &[$(($key, yew::virtual_dom::AttributeOrProperty::Static($value))),*],
            vec![$($($crate::components::dom::Node::node($child)),*)?],
        )
    };
    ($name:literal $(, $key:literal = $value:expr)* $(; $($child:expr),* $(,)?)?) => {
        $crate::components::dom::element(
            $name,
            &[$($key),*],
            Box::new([$($crate::components::dom::Value::value($value)),*]),
            vec![$($($crate::components::dom::Node::node($child)),*)?],
        )
    };
}
pub(crate) use tag;

/// An element that may still get a key and listeners.
pub(crate) struct Tag(Rc<VTag>);

/// What [`tag!`] calls where every attribute is a literal.
pub(crate) fn plain(
    name: &'static str,
    attributes: &'static [(&'static str, AttributeOrProperty)],
    children: Vec<Html>,
) -> Tag {
    made(name, Attributes::Static(attributes), children)
}

/// What [`tag!`] calls else.
pub(crate) fn element(
    name: &'static str,
    keys: &'static [&'static str],
    values: Box<[Option<AttributeOrProperty>]>,
    children: Vec<Html>,
) -> Tag {
    made(name, Attributes::Dynamic { keys, values }, children)
}

fn made(name: &'static str, attributes: Attributes, mut children: Vec<Html>) -> Tag {
    let mut tag = VTag::new(name);
    tag.attributes = attributes;
    if let Some(inside) = tag.children_mut() {
        *inside = match children.len() {
            1 => children.remove(0),
            _ => list(children),
        };
    }
    Tag(Rc::new(tag))
}

impl Tag {
    fn with(mut self, change: impl FnOnce(&mut VTag)) -> Self {
        change(Rc::get_mut(&mut self.0).expect("nobody shares a tag before it is a node"));
        self
    }

    /// Tells it from its siblings in a list, of which then every one must have a key.
    pub(crate) fn key(self, key: impl Into<yew::virtual_dom::Key>) -> Self {
        let key = key.into();
        self.with(|tag| tag.key = Some(key))
    }

    /// Lets the element be found in the document.
    pub(crate) fn found_by(self, node: &NodeRef) -> Self {
        self.with(|tag| tag.node_ref = node.clone())
    }

    /// The text in a field, which the user may change.
    pub(crate) fn filled(self, value: String) -> Self {
        self.with(|tag| tag.set_value(value))
    }

    /// Sends a message at an event.
    pub(crate) fn sends(self, kind: ListenerKind, send: &Callback<Msg>, msg: Msg) -> Self {
        let send = send.clone();
        self.listens(Rc::new(Sends { kind, send, msg }))
    }

    /// Sends a message when pressed.
    pub(crate) fn press(self, send: &Callback<Msg>, msg: Msg) -> Self {
        self.sends(ListenerKind::onclick, send, msg)
    }

    /// Does something at an event.
    pub(crate) fn on(self, kind: ListenerKind, run: impl Fn(Event) + 'static) -> Self {
        self.listens(Rc::new(Runs { kind, run: Box::new(run) }))
    }

    fn listens(self, listener: Rc<dyn Listener>) -> Self {
        self.with(|tag| {
            tag.add_listener(listener);
        })
    }
}

struct Sends {
    kind: ListenerKind,
    send: Callback<Msg>,
    msg: Msg,
}

impl Listener for Sends {
    fn kind(&self) -> ListenerKind {
        self.kind.clone()
    }

    fn handle(&self, _: Event) {
        self.send.emit(self.msg.clone());
    }

    fn passive(&self) -> bool {
        false
    }
}

struct Runs {
    kind: ListenerKind,
    run: Box<dyn Fn(Event)>,
}

impl Listener for Runs {
    fn kind(&self) -> ListenerKind {
        self.kind.clone()
    }

    fn handle(&self, event: Event) {
        (self.run)(event);
    }

    fn passive(&self) -> bool {
        false
    }
}

/// What an attribute may be set to; `None` leaves it out.
pub(crate) trait Value {
    /// The attribute's value.
    fn value(self) -> Option<AttributeOrProperty>;
}

impl Value for &'static str {
    fn value(self) -> Option<AttributeOrProperty> {
        Some(AttributeOrProperty::Static(self))
    }
}

impl Value for String {
    fn value(self) -> Option<AttributeOrProperty> {
        Some(AttributeOrProperty::Attribute(self.into()))
    }
}

impl Value for &String {
    fn value(self) -> Option<AttributeOrProperty> {
        self.clone().value()
    }
}

/// `true` or `false`, as ARIA writes them.
impl Value for bool {
    fn value(self) -> Option<AttributeOrProperty> {
        (if self { "true" } else { "false" }).value()
    }
}

impl Value for usize {
    fn value(self) -> Option<AttributeOrProperty> {
        self.to_string().value()
    }
}

impl<V: Value> Value for Option<V> {
    fn value(self) -> Option<AttributeOrProperty> {
        self.and_then(Value::value)
    }
}

/// What may stand in an element; `None` is nothing.
pub(crate) trait Node {
    /// It as yew has it.
    fn node(self) -> Html;
}

impl Node for Html {
    fn node(self) -> Html {
        self
    }
}

impl Node for Tag {
    fn node(self) -> Html {
        Html::VTag(self.0)
    }
}

impl Node for &str {
    fn node(self) -> Html {
        Html::VText(VText { text: AttrValue::Rc(self.into()) })
    }
}

impl Node for &String {
    fn node(self) -> Html {
        self.as_str().node()
    }
}

impl Node for String {
    fn node(self) -> Html {
        self.as_str().node()
    }
}

impl Node for usize {
    fn node(self) -> Html {
        self.to_string().node()
    }
}

impl Node for u64 {
    fn node(self) -> Html {
        self.to_string().node()
    }
}

impl<N: Node> Node for Option<N> {
    fn node(self) -> Html {
        self.map_or_else(Html::default, Node::node)
    }
}

/// Several nodes, side by side.
pub(crate) fn list(nodes: Vec<Html>) -> Html {
    Html::VList(Rc::new(VList::with_children(nodes, None)))
}

/// A node for each item.
pub(crate) fn each<T, N: Node>(
    items: impl IntoIterator<Item = T>,
    mut draw: impl FnMut(T) -> N,
) -> Html {
    let mut nodes = Vec::new();
    for item in items {
        nodes.push(draw(item).node());
    }
    list(nodes)
}

/// The word if the condition holds, else none: for class lists.
pub(crate) fn when(holds: bool, word: &'static str) -> &'static str {
    if holds { word } else { "" }
}

/// A class list of those words that are not empty; no attribute if all are.
pub(crate) fn classes(words: &[&str]) -> Option<String> {
    let mut list = String::new();
    for word in words.iter().filter(|word| !word.is_empty()) {
        if !list.is_empty() {
            list.push(' ');
        }
        list.push_str(word);
    }
    (!list.is_empty()).then_some(list)
}
