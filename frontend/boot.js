// Starts the page. When it cannot, says so in words; the text of the lectures stays where it is.
//
// Both forms of the page run this file. The site has two modules beside it: what a first visit needs (`first`), and
// all (`daxscope`), loaded where the address leads to anything else. The single file carries all of it, in
// <script id="daxscope-wasm"> (gzip, base64) and <script id="daxscope-worker"> (source), and its bindings have run.
(() => {
  'use strict';
  const carried = (id) => document.getElementById(id)?.textContent;
  const single = carried('daxscope-wasm') !== undefined;

  // `#/1/<lecture>/<path>…?…`. The history has no lecture in its address, and needs them all; what boots after a power
  // cut, `!` in the path, needs a mount; another variant, `w=`, or other switches, `s=`, may need anything; `v=open` opens a file.
  function part() {
    const first = document.querySelector('meta[name=daxscope-first]').content.split(' ');
    const lecture = location.hash.split(/[/?]/)[2];
    const here = lecture === undefined || first.includes(lecture) && !/!|[?&]([sw]=|v=open)/.test(location.hash);
    return first.length > 1 && here ? 'first' : 'daxscope';
  }

  function unpacked(base64) {
    const bytes = Uint8Array.from(atob(base64.trim()), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
  }

  async function compile(name) {
    if (single) return WebAssembly.compile(await unpacked(carried('daxscope-wasm')));
    const answer = await fetch(`${name}_bg.wasm`);
    if (!answer.ok) throw new Error(`${name}_bg.wasm: ${answer.status} ${answer.statusText}`);
    return answer.headers.get('content-type') === 'application/wasm'
      ? WebAssembly.compileStreaming(answer)
      : WebAssembly.compile(await answer.arrayBuffer());
  }

  function bindings(name) {
    if (single) return null;
    return new Promise((done, failed) => {
      const script = document.createElement('script');
      script.src = `${name}.js`;
      script.onload = done;
      script.onerror = () => failed(new Error(`${name}.js did not arrive`));
      document.head.append(script);
    });
  }

  // A worker that runs the module with all. Talk to it after its first message, 'ready'.
  async function worker() {
    const module = await compile('daxscope');
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
    const name = part();
    const [module] = await Promise.all([compile(name), bindings(name)]);
    globalThis.daxscopeWorker = worker;
    await wasm_bindgen({ module_or_path: module });
    document.getElementById('fallback').hidden = true;
  }

  start().catch((error) => {
    document.getElementById('boot-status').textContent = `The page that steps could not start: ${error.message}. `
      + 'The lectures can still be read as text.';
  });
})();
