// Starts the page. When it cannot, says so in words; the text of the lectures stays where it is.
//
// Both forms of the page run this file. The site has the module and the worker as files beside it; the single file
// carries them in <script id="daxscope-wasm"> (base64) and <script id="daxscope-worker"> (source).
(() => {
  'use strict';
  const carried = (id) => document.getElementById(id)?.textContent;

  async function compile() {
    const base64 = carried('daxscope-wasm');
    if (base64 !== undefined) {
      return WebAssembly.compile(Uint8Array.from(atob(base64.trim()), (c) => c.charCodeAt(0)));
    }
    const answer = await fetch('daxscope_bg.wasm');
    if (!answer.ok) throw new Error(`daxscope_bg.wasm: ${answer.status} ${answer.statusText}`);
    return answer.headers.get('content-type') === 'application/wasm'
      ? WebAssembly.compileStreaming(answer)
      : WebAssembly.compile(await answer.arrayBuffer());
  }

  // A worker that runs the same module. Talk to it after its first message, 'ready'.
  function worker(module) {
    const source = carried('daxscope-worker');
    const url = source === undefined
      ? 'worker.js'
      : URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    const started = new Worker(url);
    started.postMessage(module);
    return started;
  }

  async function start() {
    if (typeof WebAssembly !== 'object') throw new Error('this browser has no WebAssembly');
    const module = await compile();
    globalThis.daxscopeWorker = () => worker(module);
    await wasm_bindgen({ module_or_path: module });
    document.getElementById('fallback').hidden = true;
  }

  start().catch((error) => {
    document.getElementById('boot-status').textContent = `The page that steps could not start: ${error.message}. `
      + 'What follows is the same content as text.';
  });
})();
