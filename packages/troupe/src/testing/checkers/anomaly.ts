/** An anomaly that a checker found in a recorded history. A correct history has none. */
export interface Anomaly {
  /** The rule that is broken. */
  readonly rule:
    | 'linearizability'
    | 'lost-update'
    | 'fifo'
    | 'at-most-once'
    | 'lost'
    | 'invented'
    | 'duplicate'
    | 'share'
  /** What happened to which item, as a sentence for people. */
  readonly message: string
}
