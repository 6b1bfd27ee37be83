import './parts/ui.css'
import './frame.css'
import './page.css'
import './phone.css'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'

createRoot(document.getElementById('root') as HTMLElement).render(<App />)
