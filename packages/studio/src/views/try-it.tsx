import { Button, Flex, Heading, Select, Text, TextArea } from '@radix-ui/themes'
import { useState } from 'react'
import { useAnswer, useClient } from '../api/use-api.tsx'
import { ErrorNotice } from '../parts/answer.tsx'
import { useCommand } from '../parts/use-command.ts'
import { navigateTo } from '../route.ts'

export function TryIt() {
  const client = useClient()
  const teams = useAnswer('teams.list', {})
  const agents = useAnswer('agents.list', {})
  const [team, setTeam] = useState<string>()
  const [task, setTask] = useState('')
  const { busy, error, run } = useCommand()
  const names = [...new Set([...(teams.data?.items ?? []), ...(agents.data?.items ?? [])].map(({ name }) => name))]
  const chosen = team ?? names[0]
  const start = () =>
    run(async () => {
      const { run: id } = await client.call('runs.start', { body: { team: chosen, task } })
      navigateTo('runs', id)
    })
  return (
    <>
      <Heading as="h1" size="6" mb="4">
        Try it
      </Heading>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void start()
        }}
      >
        <Flex direction="column" gap="3" align="start">
          <Flex direction="column" gap="1" maxWidth="100%">
            <Text as="p" size="2" weight="bold" id="team">
              Team or agent
            </Text>
            <Select.Root value={chosen ?? ''} onValueChange={setTeam} disabled={names.length === 0}>
              <Select.Trigger aria-labelledby="team" placeholder="None is known here" />
              <Select.Content>
                {names.map((name) => (
                  <Select.Item key={name} value={name}>
                    {name}
                  </Select.Item>
                ))}
              </Select.Content>
            </Select.Root>
          </Flex>
          <Flex direction="column" gap="1" className="wide">
            <Text as="label" size="2" weight="bold" htmlFor="task">
              Task
            </Text>
            <TextArea id="task" rows={5} value={task} onChange={({ target }) => setTask(target.value)} />
          </Flex>
          <Button type="submit" disabled={busy || task.trim() === '' || chosen === undefined}>
            Start
          </Button>
        </Flex>
      </form>
      {error && <ErrorNotice error={error} />}
    </>
  )
}
