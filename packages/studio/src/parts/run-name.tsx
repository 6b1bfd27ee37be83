/** A run as a link that names it by its task. */
import { Link } from '@tanstack/react-router'
import { useAnswer } from '../api/use-api.tsx'
import { inShort } from '../format.ts'
import { visible } from '../visible.ts'

/** Its id stands for the task until the first event has arrived. */
export function RunName({ run }: { readonly run: string }) {
  const { data } = useAnswer('runs.at', { path: { run, seq: 1 } })
  const { task } = (data?.event ?? {}) as { readonly task?: unknown }
  return (
    <Link to="/runs/$run" params={{ run }} title={run} className="break">
      {task === undefined ? visible(run) : inShort(task, 90)}
    </Link>
  )
}
