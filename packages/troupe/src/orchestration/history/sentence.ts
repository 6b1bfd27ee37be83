/** One thing that is to be said of a run. */
export interface Sentence {
  readonly about: 'waits' | 'failed' | 'guard' | 'cost' | 'path' | 'slow' | 'taken over' | 'elsewhere' | 'kept'
  readonly text: string
  /** Of the event it rests on, where there is one. */
  readonly seq?: number
}
