import { Heading, Table, Text } from '@radix-ui/themes'
import { useAnswer } from '../api/use-api.tsx'
import { Answer } from '../parts/answer.tsx'
import { Section } from '../parts/section.tsx'

export function Agents() {
  const agents = useAnswer('agents.list', {})
  const present = useAnswer('agents.presence', { every: 3_000 })
  return (
    <>
      <Heading as="h1" size="6" mb="4">
        Agents
      </Heading>
      <Section title="At work now">
        <Answer of={present} none={{ when: ({ items }) => items.length === 0, text: 'No worker is present.' }}>
          {({ items }) => (
            <Table.Root variant="surface" size="1">
              <Table.Header>
                <Table.Row>
                  <Table.ColumnHeaderCell>Agent</Table.ColumnHeaderCell>
                  <Table.ColumnHeaderCell>Role</Table.ColumnHeaderCell>
                  <Table.ColumnHeaderCell className="roomy">Topics</Table.ColumnHeaderCell>
                  <Table.ColumnHeaderCell className="roomy">Process</Table.ColumnHeaderCell>
                </Table.Row>
              </Table.Header>
              <Table.Body>
                {items.map(({ id, name, role, topics, processId }) => (
                  <Table.Row key={id}>
                    <Table.RowHeaderCell className="break">{name}</Table.RowHeaderCell>
                    <Table.Cell>{role}</Table.Cell>
                    <Table.Cell className="roomy">{topics.join(', ')}</Table.Cell>
                    <Table.Cell className="roomy break">{processId}</Table.Cell>
                  </Table.Row>
                ))}
              </Table.Body>
            </Table.Root>
          )}
        </Answer>
      </Section>
      <Section title="That runs can name">
        <Answer of={agents} none={{ when: ({ items }) => items.length === 0, text: 'No agent is known here.' }}>
          {({ items }) => (
            <ul className="plain">
              {items.map(({ name }) => (
                <li key={name}>
                  <Text>{name}</Text>
                </li>
              ))}
            </ul>
          )}
        </Answer>
      </Section>
    </>
  )
}
