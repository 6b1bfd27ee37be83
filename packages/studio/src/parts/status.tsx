import {
  Ban,
  Check,
  CirclePause,
  CircleQuestionMark,
  Clock,
  Diamond,
  Dot,
  Info,
  LoaderCircle,
  type LucideIcon,
  OctagonX,
  Radio,
  TriangleAlert,
} from 'lucide-react'
import { count } from '../format.ts'
import './status.css'

/** Grey is healthy: colour stands where the reader may have to act. */
type Colour = 'live' | 'ask' | 'fail' | 'unsure' | 'gray'

/** An outline of its own for each status. */
const badges: Readonly<Record<string, { readonly colour: Colour; readonly Sign: LucideIcon }>> = {
  running: { colour: 'live', Sign: LoaderCircle },
  disconnected: { colour: 'ask', Sign: TriangleAlert },
  'in progress': { colour: 'live', Sign: LoaderCircle },
  working: { colour: 'live', Sign: LoaderCircle },
  waiting: { colour: 'ask', Sign: Clock },
  'needs approval': { colour: 'ask', Sign: Diamond },
  'needs an answer': { colour: 'ask', Sign: Diamond },
  'asks a question': { colour: 'ask', Sign: Diamond },
  'effect uncertain': { colour: 'unsure', Sign: CircleQuestionMark },
  uncertain: { colour: 'unsure', Sign: CircleQuestionMark },
  paused: { colour: 'gray', Sign: CirclePause },
  live: { colour: 'gray', Sign: Radio },
  completed: { colour: 'gray', Sign: Check },
  done: { colour: 'gray', Sign: Check },
  handled: { colour: 'gray', Sign: Check },
  ready: { colour: 'gray', Sign: Check },
  healthy: { colour: 'gray', Sign: Check },
  active: { colour: 'gray', Sign: Check },
  valid: { colour: 'gray', Sign: Check },
  allowed: { colour: 'gray', Sign: Check },
  pass: { colour: 'gray', Sign: Check },
  warn: { colour: 'ask', Sign: TriangleAlert },
  fail: { colour: 'fail', Sign: OctagonX },
  error: { colour: 'fail', Sign: OctagonX },
  warning: { colour: 'ask', Sign: TriangleAlert },
  advice: { colour: 'gray', Sign: Info },
  denied: { colour: 'ask', Sign: Ban },
  degraded: { colour: 'ask', Sign: TriangleAlert },
  unhealthy: { colour: 'fail', Sign: OctagonX },
  'dead letter': { colour: 'fail', Sign: OctagonX },
  failed: { colour: 'fail', Sign: OctagonX },
  cancelled: { colour: 'gray', Sign: Ban },
  discarded: { colour: 'gray', Sign: Ban },
  stopped: { colour: 'gray', Sign: Ban },
}
const other = { colour: 'gray', Sign: Dot } as const

/** A sign and a word say it, never the colour alone. */
export function Status({ status, reason }: { readonly status: string; readonly reason?: string | undefined }) {
  const { colour, Sign } = badges[status] ?? other
  return (
    <span className={`status ${colour}`}>
      <Sign aria-hidden="true" className={Sign === LoaderCircle ? 'turning' : undefined} />
      {reason ? `${status}: ${reason}` : status}
    </span>
  )
}

/** How many things have the status: a sign and a number, where several statuses share a line. */
export function StatusCount({ status, of }: { readonly status: string; readonly of: number }) {
  const { colour, Sign } = badges[status] ?? other
  return (
    <span className={`status ${colour}`} title={`${count(of)} ${status}`}>
      <Sign aria-hidden="true" className={Sign === LoaderCircle ? 'turning' : undefined} />
      {count(of)}
    </span>
  )
}
