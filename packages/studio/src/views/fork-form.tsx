/**
 * Forks a run at an event: with another result or other instructions of an agent, with another model, or as it is. It lists what
 * the fork would share, pay and repeat; an effect of class `at-most-once` is repeated only after it is confirmed.
 */
import { useEffect, useRef, useState } from 'react'
import { agentsOf, type Topology } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { count } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { useRestoredFocus } from '../parts/restore-focus.tsx'
import { Button, Card, Flex, Heading } from '../parts/ui.tsx'
import { useLater } from '../parts/use-later.ts'
import { NewRunNotice, useNewRun } from '../parts/use-new-run.tsx'
import { ChangeFields, editOf, useChange } from './change-fields.tsx'
import { ForkPlan, needsConfirmation } from './fork-plan.tsx'

interface ForkFormProps {
  readonly run: string
  /** The last event that both runs share. */
  readonly seq: number
  readonly topology: Topology | undefined
  /** Called with the new run, which is opened otherwise. */
  readonly onBegun?: (run: string) => void
  readonly onClose: () => void
}

/** ms for which the point and the text rest before the server is asked for the plan. */
const restMs = 300

export function ForkForm({ run, seq, topology, onBegun, onClose }: ForkFormProps) {
  const command = useNewRun(run, onBegun)
  const [isConfirmed, setIsConfirmed] = useState(false)
  const heading = useRef<HTMLHeadingElement>(null)
  const form = useRef<HTMLDivElement>(null)
  const opener = useRef(document.activeElement as HTMLElement | null)
  useRestoredFocus(form, () =>
    opener.current?.isConnected ? opener.current : document.querySelector<HTMLElement>('[data-opens-fork]'),
  )
  useEffect(() => {
    heading.current?.focus()
    heading.current?.closest('form')?.scrollIntoView({ block: 'nearest' })
  }, [])
  const change = useChange(agentsOf(topology), 'none')
  const edit = editOf(change)
  const planned = { at: seq, ...(change.kind === 'result' && edit ? { edit } : {}) }
  const asked = useLater(JSON.stringify(planned), restMs)
  const plan = useAnswer('runs.planFork', { path: { run }, body: JSON.parse(asked) })
  const isConfirming = plan.data !== undefined && needsConfirmation(plan.data)
  const isOff = !change.isComplete || (isConfirming && !isConfirmed)
  const fork = () => command.begin({ verb: 'fork', at: seq, ...(edit === undefined ? {} : { edit }) }, isConfirmed)
  return (
    <Card my="3" role="group" aria-label="Fork from here" ref={form}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!isOff) void fork()
        }}
      >
        <Flex align="center" justify="between" gap="2" mb="2">
          <Heading as="h2" tabIndex={-1} ref={heading}>
            Fork after event {count(seq)}
          </Heading>
          <Button small look="soft" aria-label="Close the fork" aria-keyshortcuts="Escape" onClick={onClose}>
            ✕
          </Button>
        </Flex>
        <ChangeFields change={change} />
        <div className="plan" aria-live="polite">
          <Answer of={plan}>{(known) => <ForkPlan plan={known} />}</Answer>
        </div>
        {isConfirming && (
          <label className="confirm">
            <input type="checkbox" checked={isConfirmed} onChange={({ target }) => setIsConfirmed(target.checked)} />
            Repeat effects of class at-most-once, which happened or may have happened
          </label>
        )}
        <Flex gap="2" mt="2">
          <Button type="submit" aria-disabled={command.busy} disabled={isOff}>
            Fork from here
          </Button>
        </Flex>
      </form>
      <NewRunNotice command={command} />
    </Card>
  )
}
