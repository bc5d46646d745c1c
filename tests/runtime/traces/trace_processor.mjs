// Serves Perfetto's trace processor, the WebAssembly of its web page, on a Unix socket.
// usage: node trace_processor.mjs ASSETS SOCKET
//
// The bytes of the connection are the trace processor's own RPC stream, so PyPI's `perfetto` talks to it as to a native
// one. There is one connection; the process ends with it.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';

const [assets, path] = process.argv.slice(2);

// What the engine expects of a browser's worker: itself, its address, and a way to get the file beside it.
const wasm = readFileSync(join(assets, 'trace_processor.wasm'));
Object.assign(globalThis, {
  self: globalThis,
  location: { href: 'worker' },
  WorkerGlobalScope: class {},
  XMLHttpRequest: class {
    response = wasm;
    open() {}
    send() {}
  },
});
const engine = readFileSync(join(assets, 'engine_bundle.node.js'), 'utf8');
runInThisContext(engine.replace('= hasMemory64Support()', '= false')); // the file beside it is the 32-bit one

const { port1, port2 } = new MessageChannel();
globalThis.onmessage({ data: port1 });
createServer((socket) => {
  port2.onmessage = ({ data }) => socket.write(data);
  socket.on('data', (bytes) => port2.postMessage(new Uint8Array(bytes)));
  socket.on('close', () => process.exit(0));
}).listen(path, () => console.log('ready'));
