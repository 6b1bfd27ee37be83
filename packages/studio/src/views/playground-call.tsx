/** The playground of tools: a recorded tool call is chosen, its arguments are edited, and the call is executed. */
import { Link } from '@tanstack/react-router'
import { useAnswer, useServerClock } from '../api/use-api.tsx'
import { age, inShort } from '../format.ts'
import { Answer, ErrorNotice, Nothing } from '../parts/answer.tsx'
import { emptyListText } from '../parts/empty-list-text.ts'
import { Flex, Select, Text } from '../parts/ui.tsx'
import { useRun } from '../parts/use-run.ts'
import { playgroundRoute } from '../routes.ts'
import { visible } from '../visible.ts'
import { argumentsOf, useStepCalls } from './step-calls.ts'
import { ToolCall } from './tool-call.tsx'

/** The newest runs that are offered, and the newest steps of a run. */
const maxOffered = 50

export function PlaygroundCall() {
  const { run } = playgroundRoute.useSearch()
  const navigate = playgroundRoute.useNavigate()
  const runs = useAnswer('runs.list', { query: { limit: maxOffered }, enabled: run === undefined })
  const clock = useServerClock()
  if (run !== undefined) return <CallsOf key={run} run={run} />
  return (
    <Answer
      of={runs}
      none={{ when: ({ items }) => items.length === 0, text: 'No run is recorded. Start one in “Try it”.' }}
    >
      {({ items }) => (
        <Flex gap="2" wrap="wrap" align="center" mb="2">
          <Text>Run</Text>
          <Select
            label="Run"
            placeholder="Choose a recorded run"
            value={undefined}
            onChoose={(chosen) => void navigate({ search: (search) => ({ ...search, run: chosen }) })}
            options={items.map(({ id, title, createdAt }) => ({
              value: id,
              label: `${inShort(title, 80) || id}, ${age(createdAt, clock.now())} old`,
            }))}
          />
        </Flex>
      )}
    </Answer>
  )
}

function CallsOf({ run }: { readonly run: string }) {
  const { step: named, call: chosen, called } = playgroundRoute.useSearch()
  const navigate = playgroundRoute.useNavigate()
  const { state, isLoading } = useRun(run)
  const started = useAnswer('runs.at', { path: { run, seq: 1 } })
  const steps = [...state.steps.values()].slice(-maxOffered)
  const step = named ?? steps.at(-1)?.id
  const calls = useStepCalls(run, step === undefined ? undefined : state.steps.get(step))
  return (
    <>
      <Flex gap="2" wrap="wrap" align="center" mb="2">
        <Text>Step</Text>
        <Select
          label="Step"
          placeholder={emptyListText(
            { isLoading: isLoading || started.isLoading, error: started.error },
            'It has none yet',
          )}
          value={step}
          onChoose={(next) => void navigate({ search: (search) => ({ ...search, step: next, call: undefined }) })}
          options={steps.map(({ id, agent }) => ({ value: id, label: `${visible(agent)}, ${id}` }))}
        />
      </Flex>
      {started.error && <ErrorNotice error={started.error} />}
      {step !== undefined && (
        <Answer of={calls}>
          {({ calls: all }) => {
            const ofTools = all.filter(({ kind }) => kind === 'tool')
            const call = ofTools.find((one) => one.call === chosen) ?? (ofTools.length === 1 ? ofTools[0] : undefined)
            return (
              <>
                {ofTools.length === 0 && (
                  <Nothing>This step called no tool. Choose another step or another run.</Nothing>
                )}
                {ofTools.length > 1 && (
                  <ul className="plain" aria-label="Tool calls">
                    {ofTools.map((one) => (
                      <li key={one.call}>
                        <Link
                          from="/playground"
                          to="."
                          search={(search) => ({ ...search, step, call: one.call, called: undefined })}
                          aria-current={one === call ? 'true' : undefined}
                        >
                          {visible(one.name)}
                        </Link>{' '}
                        <Text size="small" color="gray" className="break">
                          {inShort(argumentsOf(one, all) ?? one.output, 80)}
                        </Text>
                      </li>
                    ))}
                  </ul>
                )}
                {call && (
                  <ToolCall
                    key={call.call}
                    run={run}
                    step={step}
                    call={call}
                    called={called}
                    onCalled={(id) =>
                      void navigate({ search: (search) => ({ ...search, step, call: call.call, called: id }) })
                    }
                  />
                )}
              </>
            )
          }}
        </Answer>
      )}
    </>
  )
}
