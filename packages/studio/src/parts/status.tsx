import { Badge } from '@radix-ui/themes'

type Colour = 'blue' | 'green' | 'red' | 'amber' | 'gray'

const badges: Readonly<Record<string, { readonly colour: Colour; readonly sign: string }>> = {
  running: { colour: 'blue', sign: '●' },
  working: { colour: 'blue', sign: '●' },
  waiting: { colour: 'amber', sign: '◷' },
  paused: { colour: 'amber', sign: '‖' },
  completed: { colour: 'green', sign: '✓' },
  done: { colour: 'green', sign: '✓' },
  ready: { colour: 'green', sign: '✓' },
  healthy: { colour: 'green', sign: '✓' },
  active: { colour: 'green', sign: '✓' },
  degraded: { colour: 'amber', sign: '!' },
  unhealthy: { colour: 'red', sign: '✕' },
  failed: { colour: 'red', sign: '✕' },
  cancelled: { colour: 'gray', sign: '–' },
  stopped: { colour: 'gray', sign: '–' },
}

/** Told by a sign and a word, never by the colour alone. */
export function Status({ status, reason }: { readonly status: string; readonly reason?: string | undefined }) {
  const { colour, sign } = badges[status] ?? { colour: 'gray', sign: '·' }
  return (
    <Badge className="status" color={colour} variant="soft">
      <span aria-hidden="true">{sign}</span> {reason ? `${status}: ${reason}` : status}
    </Badge>
  )
}
