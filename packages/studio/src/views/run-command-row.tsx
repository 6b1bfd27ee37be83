/**
 * The commands of a run in one row. Each command that the role of the caller has is drawn in every state of the run; one that the
 * state forbids is off, stays focusable, and says why.
 */
import { useId, useState } from 'react'
import { isActive, type Result } from '../api/shapes.ts'
import { useClient } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count } from '../format.ts'
import { ErrorNotice } from '../parts/answer.tsx'
import { Button, Flex, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { NewRunNotice, useNewRun } from '../parts/use-new-run.tsx'
import { UndoPanel, useUndo } from './run-undo.tsx'

interface RowProps {
  readonly id: string
  readonly result: Result
  readonly isPausing: boolean
  readonly answered: () => void
  /** Opens the form of a fork at the event that is shown; undefined until the last event of the run has arrived. */
  readonly openFork: (() => void) | undefined
}

interface Command {
  readonly name: string
  readonly carryOut: () => unknown
  /** Why the state of the run forbids it; absent if it does not. */
  readonly off?: string | undefined
  /** It cannot be taken back: a second press carries it out. */
  readonly isFinal?: true
}

const hasEnded = 'The run has ended.'
const hasNotEnded = 'The run has not ended.'
const isLoading = 'The events of the run are not loaded yet.'

export function RunCommandRow({ id, result, isPausing, answered, openFork }: RowProps) {
  const client = useClient()
  const may = useMay()
  const newRun = useNewRun(id)
  const undo = useUndo(id)
  const { busy, error, run } = useCommand()
  const [message, setMessage] = useState<string>()
  const path = { run: id }
  const post = (verb: 'pause' | 'resume' | 'cancel') => () =>
    run(async () => {
      await client.call(`runs.${verb}`, { path, body: {} })
      answered()
    })
  const verifyReplay = () =>
    run(async () => {
      const { identical, events, difference } = await client.call('runs.verifyReplay', { path, body: {} })
      setMessage(
        identical
          ? `The replay of the journal has the same ${count(events)} events. No model and no tool was called.`
          : `The replay of the journal differs${difference ? ` at event ${count(difference.seq)}` : ''}: the code of the team may have changed.`,
      )
    })
  const active = isActive(result)
  const isPaused = active && (isPausing || result.reason === 'paused' || result.reason === 'breakpoint')
  const duringRun = active ? undefined : hasEnded
  const afterRun = active ? hasNotEnded : undefined
  const commands: readonly (Command | false)[] = [
    may('runs.pause') && {
      name: isPaused ? 'Resume' : 'Pause',
      carryOut: post(isPaused ? 'resume' : 'pause'),
      off: duringRun,
    },
    may('runs.cancel') && { name: 'Cancel', carryOut: post('cancel'), off: duringRun, isFinal: true },
    may('runs.retry') && {
      name: 'Retry',
      carryOut: () => newRun.begin({ verb: 'retry' }),
      off: afterRun ?? (result.status === 'failed' ? undefined : 'Only a failed run can be retried.'),
    },
    may('runs.fork') && {
      name: 'Fork…',
      carryOut: () => openFork?.(),
      off: afterRun ?? (openFork ? undefined : isLoading),
    },
    may('runs.undo') && { name: 'Undo…', carryOut: () => undo.ask(true), off: afterRun },
    may('runs.verifyReplay') && { name: 'Verify replay', carryOut: verifyReplay, off: afterRun },
  ]
  const shown = commands.filter((command) => command !== false)
  const isBusy = busy || newRun.busy || undo.busy
  return (
    <div className="commands">
      <Flex gap="2" wrap="wrap" role="group" aria-label="Commands of the run">
        {shown.map((command, i) => (
          // The button keeps its place, and with it the focus, when its name changes.
          // biome-ignore lint/suspicious/noArrayIndexKey: the order of the commands never changes
          <CommandButton key={i} command={command} isBusy={isBusy} explain={setMessage} />
        ))}
      </Flex>
      <NewRunNotice command={newRun} />
      <UndoPanel undo={undo} />
      <div aria-live="polite">
        {message && (
          <Text as="p" mb="3">
            {message}
          </Text>
        )}
      </div>
      {error && <ErrorNotice error={error} />}
    </div>
  )
}

interface CommandButtonProps {
  readonly command: Command
  readonly isBusy: boolean
  readonly explain: (text: string | undefined) => void
}

function CommandButton({ command: { name, carryOut, off, isFinal }, isBusy, explain }: CommandButtonProps) {
  const id = useId()
  const [isPressed, setIsPressed] = useState(false)
  const isAsked = isPressed && off === undefined
  const press = () => {
    explain(off === undefined ? undefined : `${name.replace('…', '')} is not possible: ${off}`)
    if (off !== undefined) return
    setIsPressed(isFinal === true && !isAsked)
    if (!isFinal || isAsked) void carryOut()
  }
  return (
    <>
      <Button
        look={isAsked ? 'danger' : 'soft'}
        aria-disabled={isBusy || off !== undefined}
        aria-describedby={off === undefined ? undefined : id}
        title={off}
        onClick={press}
        onBlur={() => setIsPressed(false)}
      >
        {isAsked ? `${name} now` : name}
      </Button>
      {off !== undefined && (
        <span id={id} hidden>
          {off}
        </span>
      )}
    </>
  )
}
