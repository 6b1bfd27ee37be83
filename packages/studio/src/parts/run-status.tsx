/** The status of a run in words that say what it waits for. */
import type { Question } from '../api/shapes.ts'
import { useRequests } from '../api/use-requests.ts'
import { Status } from './status.tsx'

interface RunStatusProps {
  readonly run: string
  readonly status: string
  readonly reason?: string | undefined
  /** Where they are known; else those of the list of open requests. */
  readonly questions?: readonly Pick<Question, 'kind'>[] | undefined
}

export function RunStatus({ run, status, reason, questions }: RunStatusProps) {
  // The navigation reads the same list, to count it.
  const { data } = useRequests()
  const asked = questions ?? data?.items.find((one) => one.run === run)?.questions ?? []
  if (status !== 'waiting') return <Status status={status} reason={reason} />
  if (reason === 'paused') return <Status status="paused" />
  if (reason === 'uncertain') return <Status status="effect uncertain" />
  // The list has only the first requests.
  if (reason === 'question' && asked.length === 0) return <Status status="needs an answer" />
  if (reason === 'question')
    return <Status status={asked.some(({ kind }) => kind === 'approval') ? 'needs approval' : 'asks a question'} />
  return <Status status="waiting" reason={reason} />
}
