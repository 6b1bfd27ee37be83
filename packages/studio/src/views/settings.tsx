/** Settings of this browser, and what the session may do. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { readSession, signOut } from '../api/session.ts'
import { useAnswer, useUpdatesConnection } from '../api/use-api.tsx'
import { ChooseAppearance } from '../appearance.tsx'
import { Answer, ErrorNotice } from '../parts/answer.tsx'
import { Facts } from '../parts/facts.tsx'
import { KeysSetting } from '../parts/keyboard.tsx'
import { Section } from '../parts/section.tsx'
import { Button, Flex, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { ViewHeader } from '../parts/view-header.tsx'
import { visible } from '../visible.ts'

export function Settings() {
  const access = useAnswer('access.get', {})
  const connection = useUpdatesConnection()
  return (
    <>
      <ViewHeader title="Settings" isOfAllUsers />
      <Section title="This browser">
        <Flex direction="column" gap="3" align="start">
          <ChooseAppearance />
          <KeysSetting />
        </Flex>
      </Section>
      <Section title="This session">
        <Answer of={access}>
          {({ role, users, agent, operations }) => (
            <>
              <Facts
                facts={[
                  ['Role', visible(role)],
                  ['Users', users === 'all' ? 'all' : visible(users.join(', '))],
                  ['Acts as', agent !== undefined && `agent ${visible(agent)}`],
                  ['Updates', connection === 'open' ? 'live' : connection],
                ]}
              />
              <SignOut />
              <details className="disclosure">
                <summary>What it may do: {operations.length} operations</summary>
                <Text as="p" size="small" color="gray" className="break">
                  {operations.join(', ')}
                </Text>
              </details>
            </>
          )}
        </Answer>
      </Section>
    </>
  )
}

function SignOut() {
  const queries = useQueryClient()
  const { data } = useQuery({ queryKey: ['session'], queryFn: ({ signal }) => readSession(signal) })
  const { busy, error, run: perform } = useCommand()
  if (!data?.isPresent) return null
  const end = () =>
    perform(async () => {
      await signOut()
      // The next person at this browser sees nothing of this session.
      await queries.resetQueries()
    })
  return (
    <>
      <Button look="soft" small my="2" aria-disabled={busy} onClick={end}>
        Sign out
      </Button>
      {error && <ErrorNotice error={error} />}
    </>
  )
}
