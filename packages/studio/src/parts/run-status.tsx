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
  if (status !== 'waiting') return <Status status={status} reason={reason} />
  if (reason === 'paused') return <Status status="paused" />
  if (reason === 'uncertain') return <Status status="effect uncertain" />
  if (reason !== 'question') return <Status status="waiting" reason={reason} />
  return questions === undefined ? <ListedQuestions run={run} /> : <QuestionStatus questions={questions} />
}

/** The navigation reads the same list, to count it. Rows of other runs do not follow it, so that long lists scroll quickly. */
function ListedQuestions({ run }: Pick<RunStatusProps, 'run'>) {
  const { data } = useRequests()
  return <QuestionStatus questions={data?.items.find((one) => one.run === run)?.questions ?? []} />
}

/** The list has only the first requests, so the questions may be unknown. */
function QuestionStatus({ questions }: { readonly questions: readonly Pick<Question, 'kind'>[] }) {
  if (questions.length === 0) return <Status status="needs an answer" />
  return <Status status={questions.some(({ kind }) => kind === 'approval') ? 'needs approval' : 'asks a question'} />
}
