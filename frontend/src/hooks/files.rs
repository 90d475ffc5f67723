//! Files of the reader's own: chosen, or dropped on the page. They are read here and go nowhere.

use std::rc::Rc;

use daxscope_scenarios::NoImage;
use gloo_events::{EventListener, EventListenerOptions};
use gloo_timers::callback::Timeout;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::js_sys::{Array, JSON, Object, Reflect, Uint8Array};
use web_sys::{DataTransfer, DragEvent};
use yew::prelude::*;

use super::address::when_done;
use super::window;
use crate::msg::Msg;
use crate::opened::{Content, File, Json, is_json};

/// So long the page may say that it opens a file before it does: what boots from a large device keeps it busy.
const PAUSE_MS: u32 = 50;
/// No numbers lie deeper inside each other.
const DEPTH: u32 = 8;

/// Reads a file and sends what is in it.
pub(crate) fn read_file(file: &web_sys::File, send: Callback<Msg>) {
    let name = file.name();
    send.emit(Msg::Opening(name.clone()));
    let answer = {
        let (name, send) = (name.clone(), send.clone());
        move |content| {
            send.emit(Msg::Open(Rc::new(File { name, content })));
            // The dialog has given the focus back to the button by then; now keys are to step.
            Timeout::new(PAUSE_MS, || super::focus("#stage")).forget();
        }
    };
    let found = file.size() as u64;
    if found > NoImage::BYTES_MAX {
        return answer(Content::Unreadable(NoImage { found }.to_string()));
    }
    let kept = Closure::once_into_js(move |buffer: JsValue| {
        let bytes = Uint8Array::new(&buffer).to_vec();
        Timeout::new(PAUSE_MS, move || answer(content(bytes))).forget();
    });
    let broken = Closure::once_into_js(move |why: JsValue| {
        let content = Content::Unreadable(message(&why));
        send.emit(Msg::Open(Rc::new(File { name, content })));
    });
    when_done(&file.array_buffer(), &kept, &broken);
}

fn content(bytes: Vec<u8>) -> Content {
    if !is_json(&bytes) {
        return Content::Device(bytes);
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Content::Unreadable("it begins like JSON and is no UTF-8".to_string());
    };
    match JSON::parse(&text) {
        Ok(value) => Content::Json(json(&value, DEPTH)),
        Err(why) => Content::Unreadable(message(&why)),
    }
}

/// What an error of the browser says.
fn message(error: &JsValue) -> String {
    let message = Reflect::get(error, &JsValue::from("message")).ok();
    message.and_then(|message| message.as_string()).unwrap_or_default()
}

fn json(value: &JsValue, depth: u32) -> Json {
    if let Some(number) = value.as_f64() {
        return Json::Number(number);
    }
    if let Some(text) = value.as_string() {
        return Json::Text(text);
    }
    if let Some(yes) = value.as_bool() {
        return Json::Bool(yes);
    }
    let Some(below) = depth.checked_sub(1) else { return Json::Null };
    if let Some(items) = value.dyn_ref::<Array>() {
        return Json::List(items.iter().map(|item| json(&item, below)).collect());
    }
    let Some(object) = value.dyn_ref::<Object>() else { return Json::Null };
    let field = |name: JsValue| {
        let value = Reflect::get(object, &name).unwrap_or(JsValue::NULL);
        (name.as_string().unwrap_or_default(), json(&value, below))
    };
    Json::Object(Object::keys(object).iter().map(field).collect())
}

/// Opens what is dropped on the page, which a browser would otherwise show in place of the page.
pub(super) fn listen(send: Callback<Msg>) -> [EventListener; 2] {
    let options = EventListenerOptions::enable_prevent_default;
    let over = EventListener::new_with_options(&window(), "dragover", options(), |event| {
        if carried(event).is_some() {
            event.prevent_default();
        }
    });
    let drop = EventListener::new_with_options(&window(), "drop", options(), move |event| {
        let Some(carried) = carried(event) else { return };
        event.prevent_default();
        if let Some(file) = carried.files().and_then(|files| files.item(0)) {
            read_file(&file, send.clone());
        }
    });
    [over, drop]
}

/// What is dragged, if it is files.
fn carried(event: &Event) -> Option<DataTransfer> {
    let carried = event.dyn_ref::<DragEvent>()?.data_transfer()?;
    carried.types().includes(&JsValue::from("Files"), 0).then_some(carried)
}
