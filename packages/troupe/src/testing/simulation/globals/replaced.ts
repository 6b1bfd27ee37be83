/** The globals that a simulation replaces. */

/** A global that can be left unreplaced, to prove that the replacement is needed. */
export type Replaced = 'date' | 'performance' | 'hrtime' | 'timers' | 'math' | 'crypto' | 'abort' | 'identity'
