import { useNavigate } from '@tanstack/react-router'
import { Suspense, useState } from 'react'
import { useClient } from '../api/use-api.tsx'
import { useMayNot } from '../api/use-may.ts'
import { useStartable } from '../api/use-startable.ts'
import { ErrorNotice, Nothing, NothingStartable } from '../parts/answer.tsx'
import { parseJson } from '../parts/from-text.ts'
import { lazyPart } from '../parts/load-part.ts'
import { Button, Flex, Select, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { ViewHeader } from '../parts/view-header.tsx'
import { visible } from '../visible.ts'

const JsonEditor = lazyPart(() => import('../parts/json-editor.tsx'))

const forms = [
  { value: 'text', label: 'text' },
  { value: 'json', label: 'JSON' },
] as const

export function TryIt() {
  const client = useClient()
  const navigate = useNavigate()
  const { names, isLoading, error: listError, placeholder } = useStartable()
  const [team, setTeam] = useState<string>()
  const [task, setTask] = useState('')
  const [form, setForm] = useState<(typeof forms)[number]['value']>('text')
  const read = form === 'json' ? parseJson(task) : { value: task }
  const { busy, error, run } = useCommand()
  const chosen = team ?? names[0]
  const isForbidden = useMayNot('runs.start')
  const start = () =>
    run(async () => {
      if ('problem' in read) return
      const { run: id } = await client.call('runs.start', { body: { team: chosen, task: read.value } })
      await navigate({ to: '/runs/$run', params: { run: id } })
    })
  return (
    <>
      <ViewHeader title="Try it" />
      {names.length === 0 && !isLoading && !listError && <NothingStartable />}
      {isForbidden ? (
        <Nothing>Your role may not start a run.</Nothing>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void start()
          }}
        >
          <Flex direction="column" gap="3" align="start">
            <Flex direction="column" gap="1">
              <Text as="p" bold id="team">
                Team or agent
              </Text>
              <Select
                labelledBy="team"
                placeholder={placeholder}
                value={chosen}
                onChoose={setTeam}
                options={names.map((name) => ({ value: name, label: visible(name) }))}
              />
            </Flex>
            <Flex direction="column" gap="1" className="wide">
              <Flex gap="2" align="center">
                <Text as="label" bold htmlFor="task">
                  Task
                </Text>
                <Select label="Written as" value={form} onChoose={setForm} options={forms} />
              </Flex>
              {form === 'text' ? (
                <textarea id="task" rows={5} value={task} onChange={({ target }) => setTask(target.value)} />
              ) : (
                <Suspense fallback={<div className="editor-room" />}>
                  <JsonEditor label="Task" text={task} onChange={setTask} />
                </Suspense>
              )}
              <div role="status">
                {'problem' in read && task.trim() !== '' && (
                  <Text as="p" color="red" className="break">
                    This is not JSON: {read.problem}
                  </Text>
                )}
              </div>
            </Flex>
            <Button type="submit" disabled={busy || task.trim() === '' || 'problem' in read || chosen === undefined}>
              Start
            </Button>
          </Flex>
        </form>
      )}
      {listError && <ErrorNotice error={listError} />}
      {error && <ErrorNotice error={error} />}
    </>
  )
}
