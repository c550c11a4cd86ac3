// Makes pages better that work without it: outcomes appear by themselves, a form is sent once, links to calendars open the calendar.
'use strict';

async function watchOutcomes() {
  for (;;) {
    const shown = document.getElementById('outcomes');
    if (!shown || !shown.dataset.waiting) return;
    await new Promise((resolve) => setTimeout(resolve, 700));
    try {
      const response = await fetch(location.href, { headers: { Accept: 'text/html' } });
      if (!response.ok) continue;
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      const found = page.getElementById('outcomes');
      if (found && found.innerHTML !== shown.innerHTML) {
        shown.replaceWith(found);
        document.title = page.title;
        document.querySelector('h1').textContent = page.querySelector('h1').textContent;
      }
    } catch {
      // The server is away for a moment; it is asked again.
    }
  }
}

for (const form of document.querySelectorAll('form')) {
  form.addEventListener('submit', () => {
    // After the event, so that the button's own value is sent.
    setTimeout(() => form.querySelectorAll('[data-once]').forEach((button) => (button.disabled = true)), 0);
  });
}
for (const link of document.querySelectorAll('a[data-webcal]')) {
  link.href = link.href.replace(/^https?:/, 'webcal:');
}
for (const field of document.querySelectorAll('input[data-address]')) {
  field.value = new URL(field.value, location.href).href;
  field.addEventListener('focus', () => field.select());
}
document.querySelector('.error')?.scrollIntoView({ block: 'center' });
watchOutcomes();
