/** What a checker found in a recorded history; an empty list is a history as it should be. */
export interface Anomaly {
  readonly rule:
    | 'linearizability'
    | 'lost-update'
    | 'fifo'
    | 'at-most-once'
    | 'lost'
    | 'invented'
    | 'duplicate'
    | 'share'
  /** For people: what happened, to what. */
  readonly message: string
}
