/** The message that ends a worker. */
export const stop = 'stop';
