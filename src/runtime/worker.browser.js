/** A thread of the engine in a browser. Its first message says which. */
import { walkPrograms } from './worker-loop.js';

addEventListener('message', ({ data }) => walkPrograms(data, (message) => postMessage(message)), { once: true });
