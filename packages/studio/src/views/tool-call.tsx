/**
 * One recorded tool call with edited arguments: the server executes it as a run of one step, and the result stands beside the
 * recorded one. A call of class `at-most-once` that happened is repeated only after it is confirmed.
 */
import { Link } from '@tanstack/react-router'
import { Suspense, useState } from 'react'
import type { AnswerOf } from 'troupe/client'
import { type Call, isActive, type Result } from '../api/shapes.ts'
import { useAnswer, useClient, useForget } from '../api/use-api.tsx'
import { asText, inShort } from '../format.ts'
import { Answer, ErrorNotice, Loading } from '../parts/answer.tsx'
import { Ask } from '../parts/ask.tsx'
import { Facts } from '../parts/facts.tsx'
import { firstDifference } from '../parts/first-difference.ts'
import { parseJson } from '../parts/from-text.ts'
import { lazyPart } from '../parts/load-part.ts'
import { RunStatus } from '../parts/run-status.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Flex, Heading, Text } from '../parts/ui.tsx'
import { Uncertain } from '../parts/uncertain.tsx'
import { useCommand } from '../parts/use-command.ts'
import { useLater } from '../parts/use-later.ts'
import { Value } from '../parts/value.tsx'
import { visible } from '../visible.ts'
import { callStatus } from './step-calls.ts'

const JsonEditor = lazyPart(() => import('../parts/json-editor.tsx'))

interface ToolCallProps {
  readonly run: string
  readonly step: string
  /** The recorded call. */
  readonly call: Call
  /** The run that has executed it with other arguments. */
  readonly called: string | undefined
  readonly onCalled: (run: string) => void
}

export function ToolCall(props: ToolCallProps) {
  const { run, step, call, called } = props
  const plan = useAnswer('runs.planToolCall', { path: { run, step }, body: { call: call.call } })
  return (
    <Answer of={plan}>
      {(known) => (
        <>
          <CallForm {...props} plan={known} />
          <Heading as="h2" mt="4" mb="2">
            Results
          </Heading>
          <div className="beside">
            <div>
              <Text as="p" bold mb="1">
                Recorded
              </Text>
              <Text as="p" size="small" color="gray" mb="1">
                <Status {...callStatus(call)} />
              </Text>
              <Outcome of={call} label={`Recorded result of ${call.name}`} />
            </div>
            {called !== undefined && <Executed key={called} run={called} recorded={call} />}
          </div>
        </>
      )}
    </Answer>
  )
}

type Plan = AnswerOf<'runs.planToolCall'>

/** ms for which the text rests before the server is asked whether the arguments fit. */
const restMs = 300

const approvals: Readonly<Record<Plan['approval'], string>> = {
  never: 'only if the taint policy asks',
  sometimes: 'depends on the arguments and their labels',
  always: 'a person approves each call',
}

function CallForm({ run, step, call, onCalled, plan }: ToolCallProps & { readonly plan: Plan }) {
  const { agent, tool, description, parameters, effect, approval, args, isRepeat } = plan
  const client = useClient()
  const { busy, error, run: perform } = useCommand()
  const [before] = useState(() => asText(args ?? {}))
  const [text, setText] = useState(before)
  const [isConfirmed, setIsConfirmed] = useState(false)
  const rested = useLater(text, restMs)
  const typed = parseJson(text)
  const asked = parseJson(rested)
  const path = { run, step }
  const checked = useAnswer('runs.planToolCall', {
    path,
    body: { call: call.call, args: 'value' in asked ? asked.value : undefined },
    enabled: 'value' in asked,
  })
  const problem =
    'problem' in typed ? `This is not JSON: ${typed.problem}` : rested === text ? checked.data?.problem : undefined
  const isOff = problem !== undefined || (isRepeat && !isConfirmed)
  const execute = () =>
    perform(async () => {
      if (!('value' in typed)) return
      const body = { call: call.call, args: typed.value, ...(isRepeat ? { repeat: isConfirmed } : {}) }
      const started = await client.call('runs.callTool', { path, body })
      setIsConfirmed(false)
      onCalled(started.run)
    })
  return (
    <form
      aria-label={`Call of ${tool}`}
      onSubmit={(event) => {
        event.preventDefault()
        if (!isOff && !busy) void execute()
      }}
    >
      <Facts
        facts={[
          ['Tool', visible(tool)],
          ['Description', visible(description)],
          ['Agent', visible(agent)],
          ['Effect class', effect],
          ['Approval', approvals[approval]],
        ]}
      />
      <Text as="p" bold mb="1">
        Arguments
      </Text>
      <div className="reserved">
        <Suspense fallback={<Loading />}>
          <JsonEditor label={`Arguments of ${tool}`} text={before} onChange={setText} />
        </Suspense>
      </div>
      <div role="status">
        {problem !== undefined && (
          <Text as="p" color="red" mt="1" className="break">
            {visible(problem)}
          </Text>
        )}
      </div>
      <details>
        <summary>Schema of the arguments</summary>
        <Value value={parameters} label={`Schema of the arguments of ${tool}`} />
      </details>
      {isRepeat && (
        <label className="confirm">
          <input type="checkbox" checked={isConfirmed} onChange={({ target }) => setIsConfirmed(target.checked)} />
          Repeat {visible(tool)}: its class is at-most-once, and the recorded call happened or may have happened
        </label>
      )}
      <Flex gap="2" mt="2" align="center" wrap="wrap">
        <Button type="submit" disabled={isOff} aria-disabled={busy}>
          Execute this call
        </Button>
        <Text size="small" color="gray">
          It starts a run of one step that calls the tool and no model.
        </Text>
      </Flex>
      {error && <ErrorNotice error={error} />}
    </form>
  )
}

/** The new call, with its questions in place, and the first difference of its result from the recorded one. */
function Executed({ run, recorded }: { readonly run: string; readonly recorded: Call }) {
  const forget = useForget()
  const result = useAnswer('runs.result', { path: { run } })
  const renew = () => forget('runs.result', { path: { run } })
  return (
    <section aria-label="This call" aria-live="polite">
      <Text as="p" bold mb="1">
        This call
      </Text>
      <Answer of={result}>
        {(found: Result) => (
          <>
            <Text as="p" size="small" color="gray" mb="1">
              <RunStatus run={run} status={found.status} reason={found.reason} questions={found.questions} />{' '}
              <Link to="/runs/$run" params={{ run }}>
                Open run
              </Link>
            </Text>
            {found.questions?.map((question) => (
              <Ask key={question.id} run={run} question={question} answered={renew} />
            ))}
            {found.uncertain && <Uncertain run={run} isOver={!isActive(found)} onResolved={renew} />}
            {!isActive(found) && (
              <>
                <Outcome of={{ ...found, output: found.response }} label={`New result of ${recorded.name}`} />
                {recorded.state === 'done' && found.status === 'completed' && (
                  <DifferenceOf before={recorded.output} after={found.response} />
                )}
              </>
            )}
          </>
        )}
      </Answer>
    </section>
  )
}

function DifferenceOf({ before, after }: { readonly before: unknown; readonly after: unknown }) {
  const found = firstDifference(before, after)
  const side = (value: unknown) => (value === undefined ? 'nothing' : inShort(JSON.stringify(value)))
  return (
    <Text as="p" mt="2" className="break">
      {found
        ? `First difference${found.path.length > 0 ? ` at ${visible(found.path.join('.'))}` : ''}: ${side(found.before)}, now ${side(found.after)}`
        : 'Both results are equal.'}
    </Text>
  )
}

function Outcome({
  of: { output, error },
  label,
}: {
  readonly of: Pick<Result, 'error'> & { readonly output?: unknown }
  readonly label: string
}) {
  if (error)
    return (
      <Text as="p" color="red" className="break">
        {visible(error.message)}
      </Text>
    )
  return output === undefined ? null : <Value value={output} label={label} />
}
