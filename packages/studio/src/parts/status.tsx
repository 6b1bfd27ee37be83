/** Grey is healthy: colour stands where the reader may have to act. */
type Colour = 'live' | 'ask' | 'fail' | 'unsure' | 'gray'

const badges: Readonly<Record<string, { readonly colour: Colour; readonly sign: string }>> = {
  running: { colour: 'live', sign: '●' },
  disconnected: { colour: 'ask', sign: '!' },
  'in progress': { colour: 'live', sign: '●' },
  working: { colour: 'live', sign: '●' },
  waiting: { colour: 'ask', sign: '◷' },
  'needs approval': { colour: 'ask', sign: '◆' },
  'needs an answer': { colour: 'ask', sign: '◆' },
  'asks a question': { colour: 'ask', sign: '◆' },
  'effect uncertain': { colour: 'unsure', sign: '?' },
  uncertain: { colour: 'unsure', sign: '?' },
  paused: { colour: 'gray', sign: '‖' },
  live: { colour: 'gray', sign: '○' },
  completed: { colour: 'gray', sign: '✓' },
  done: { colour: 'gray', sign: '✓' },
  handled: { colour: 'gray', sign: '✓' },
  ready: { colour: 'gray', sign: '✓' },
  healthy: { colour: 'gray', sign: '✓' },
  active: { colour: 'gray', sign: '✓' },
  valid: { colour: 'gray', sign: '✓' },
  allowed: { colour: 'gray', sign: '✓' },
  pass: { colour: 'gray', sign: '✓' },
  warn: { colour: 'ask', sign: '!' },
  fail: { colour: 'fail', sign: '✕' },
  error: { colour: 'fail', sign: '✕' },
  warning: { colour: 'ask', sign: '!' },
  advice: { colour: 'gray', sign: 'i' },
  denied: { colour: 'ask', sign: '✕' },
  degraded: { colour: 'ask', sign: '!' },
  unhealthy: { colour: 'fail', sign: '✕' },
  'dead letter': { colour: 'fail', sign: '✕' },
  failed: { colour: 'fail', sign: '✕' },
  cancelled: { colour: 'gray', sign: '–' },
  discarded: { colour: 'gray', sign: '–' },
  stopped: { colour: 'gray', sign: '–' },
}

/** A sign and a word say it, never the colour alone. */
export function Status({ status, reason }: { readonly status: string; readonly reason?: string | undefined }) {
  const { colour, sign } = badges[status] ?? { colour: 'gray', sign: '·' }
  return (
    <span className={`chip ${colour}`}>
      <span aria-hidden="true">{sign}</span> {reason ? `${status}: ${reason}` : status}
    </span>
  )
}
