/** What is done about pictures that are in both parts: told, left out of the training part, or refused. */
export type DuplicatePolicy = 'warn' | 'drop' | 'error';

export const DUPLICATE_POLICIES: readonly DuplicatePolicy[] = ['warn', 'drop', 'error'];
