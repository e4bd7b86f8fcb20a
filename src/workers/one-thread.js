// @ts-check

/**
 * @file Where it finds `Worker` and shared memory, jax-js starts a thread for every core. One worker
 * of ours is one thread: who wants more cores takes more workers.
 */

Reflect.deleteProperty(globalThis, "Worker");
