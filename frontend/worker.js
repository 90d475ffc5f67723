// The end of worker.js: the build puts the bindings (`wasm_bindgen`) in front of it.
// The first message is the compiled module; from 'ready' on, messages belong to whatever the module has set up.
self.onmessage = async ({ data: module }) => {
  self.onmessage = null;
  try {
    await wasm_bindgen({ module_or_path: module });
    self.postMessage('ready');
  } catch (error) {
    self.reportError(error); // reaches `onerror` of the page
  }
};
