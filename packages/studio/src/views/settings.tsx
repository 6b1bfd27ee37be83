/** Settings of this browser, and what the session may do. */
import { useAnswer, useUpdatesConnection } from '../api/use-api.tsx'
import { ChooseAppearance } from '../appearance.tsx'
import { Answer } from '../parts/answer.tsx'
import { Facts } from '../parts/facts.tsx'
import { KeysSetting } from '../parts/keyboard.tsx'
import { Section } from '../parts/section.tsx'
import { Flex, Heading, Text } from '../parts/ui.tsx'
import { visible } from '../visible.ts'

export function Settings() {
  const access = useAnswer('access.get', {})
  const connection = useUpdatesConnection()
  return (
    <>
      <Heading as="h1" mb="4">
        Settings
      </Heading>
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
