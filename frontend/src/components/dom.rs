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
    ($name:literal $(, $key:literal = $value:literal)* $(; $($child:expr),* $(,)?)?) => {{
        #[allow(unused_mut, reason = "an element may be empty")]
        let mut tag = $crate::components::dom::Tag::plain(&$crate::components::dom::Plain {
            name: $name,
            attributes: &[$(($key, yew::virtual_dom::AttributeOrProperty::Static($value))),*],
        });
        $($($crate::components::dom::Node::put($child, &mut tag);)*)?
        tag
    }};
    ($name:literal $(, $key:literal = $value:expr)* $(; $($child:expr),* $(,)?)?) => {{
        let mut tag = $crate::components::dom::Tag::with(&$crate::components::dom::Keys {
            name: $name,
            keys: &[$($key),*],
        });
        $($crate::components::dom::Value::set($value, &mut tag);)*
        $($($crate::components::dom::Node::put($child, &mut tag);)*)?
        tag
    }};
}
pub(crate) use tag;

/// An element's name and its attributes, all of them literals.
pub(crate) struct Plain {
    pub(crate) name: &'static str,
    pub(crate) attributes: &'static [(&'static str, AttributeOrProperty)],
}

/// An element's name and the names of its attributes.
pub(crate) struct Keys {
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [&'static str],
}

/// An element that is being made: it may still get children, a key and listeners.
pub(crate) struct Tag(Box<Draft>);

struct Draft {
    tag: VTag,
    keys: &'static [&'static str],
    /// One for each key.
    values: Vec<Option<AttributeOrProperty>>,
    children: Vec<Html>,
}

impl Tag {
    /// An element without attributes.
    pub(crate) fn named(name: &'static str) -> Self {
        let (tag, values, children) = (VTag::new(name), Vec::new(), Vec::new());
        Self(Box::new(Draft { tag, keys: &[], values, children }))
    }

    /// What [`tag!`] begins with where every attribute is a literal.
    pub(crate) fn plain(plain: &'static Plain) -> Self {
        let mut made = Self::named(plain.name);
        made.0.tag.attributes = Attributes::Static(plain.attributes);
        made
    }

    /// What [`tag!`] begins with else; a value for each key follows.
    pub(crate) fn with(keys: &'static Keys) -> Self {
        let mut made = Self::named(keys.name);
        made.0.keys = keys.keys;
        made
    }

    /// The element with one more child.
    pub(crate) fn and(mut self, child: impl Node) -> Self {
        child.put(&mut self);
        self
    }

    /// Tells it from its siblings in a list, of which then every one must have a key.
    pub(crate) fn key(mut self, key: &str) -> Self {
        self.0.tag.key = Some(key.into());
        self
    }

    /// Lets the element be found in the document.
    pub(crate) fn found_by(mut self, node: &NodeRef) -> Self {
        self.0.tag.node_ref = node.clone();
        self
    }

    /// The text in a field, which the user may change.
    pub(crate) fn filled(mut self, value: String) -> Self {
        self.0.tag.set_value(value);
        self
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

    fn listens(mut self, listener: Rc<dyn Listener>) -> Self {
        self.0.tag.add_listener(listener);
        self
    }

    fn finish(self) -> Html {
        let Draft { mut tag, keys, values, mut children } = *self.0;
        if !keys.is_empty() {
            tag.attributes = Attributes::Dynamic { keys, values: values.into() };
        }
        if let Some(inside) = tag.children_mut() {
            *inside = match children.len() {
                1 => children.remove(0),
                _ => list(children),
            };
        }
        Html::VTag(Rc::new(tag))
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
pub(crate) trait Value: Sized {
    /// The attribute's value.
    fn value(self) -> Option<AttributeOrProperty>;

    /// Sets the next of the element's attributes.
    fn set(self, tag: &mut Tag) {
        tag.0.values.push(self.value());
    }
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
pub(crate) trait Node: Sized {
    /// It as yew has it.
    fn node(self) -> Html;

    /// Puts it behind the children that the element has.
    fn put(self, tag: &mut Tag) {
        tag.0.children.push(self.node());
    }
}

impl Node for Html {
    fn node(self) -> Html {
        self
    }
}

impl Node for Tag {
    fn node(self) -> Html {
        self.finish()
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
