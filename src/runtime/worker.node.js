/** A thread of the engine under Node. */
import { parentPort, workerData } from 'node:worker_threads';
import { walkPrograms } from './worker-loop.js';

walkPrograms(workerData, (message) => parentPort?.postMessage(message));
