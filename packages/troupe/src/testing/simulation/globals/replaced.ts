/** The globals that a simulation replaces. */

/** What can be left as it is, to prove that its replacement is needed. */
export type Replaced = 'date' | 'performance' | 'hrtime' | 'timers' | 'math' | 'crypto' | 'abort' | 'identity'
