/* Progressive enhancement only: every page works with this file missing. */
(() => {
  'use strict';
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // The facet panel is open without JavaScript; a small screen has no room for it.
  const collapse = (root) => {
    if (matchMedia('(max-width: 860px)').matches) all('[data-collapse-narrow]', root).forEach((panel) => { panel.open = false; });
  };

  // Charts read out a day on hover, tap and with the keyboard: ← → Home End.
  const readOut = (svg) => {
    const days = all('.hit', svg);
    const output = svg.closest('.chart-box').querySelector('[data-readout]');
    let at = days.length - 1;
    if (!days.length || svg.hasAttribute('tabindex')) return;
    const show = (n) => {
      if (n < 0 || n >= days.length) return;
      days[at].classList.remove('on');
      at = n;
      days[at].classList.add('on');
      output.textContent = days[at].dataset.r;
    };
    ['pointerover', 'click'].forEach((kind) => svg.addEventListener(kind, (event) => show(days.indexOf(event.target))));
    svg.setAttribute('tabindex', '0');
    svg.addEventListener('keydown', (event) => {
      const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: days.length - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      show(next);
    });
  };

  const copying = (button) => {
    const box = button.parentElement;
    const status = box.querySelector('[data-copied]');
    if (!navigator.clipboard) return; // an insecure origin: the value can still be selected
    button.hidden = false;
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(box.querySelector('[data-copy-text]').textContent);
      status.textContent = status.dataset.copied;
      setTimeout(() => { status.textContent = ''; }, 6000);
    });
  };

  const enhance = (root) => {
    all('svg[data-chart]', root).forEach(readOut);
    all('[data-copy]', root).forEach(copying);
    all('[data-close]', root).forEach((button) => {
      button.hidden = false;
      button.addEventListener('click', () => button.parentElement.remove());
    });
    all('[data-print]', root).forEach((button) => {
      button.hidden = false;
      button.addEventListener('click', () => print());
    });
  };

  // A box is as wrong as the words that arrived beside it; the box itself stays, for somebody is typing in it.
  const markBoxes = () => all('[data-error-of]').forEach((words) => {
    const box = document.getElementById(words.dataset.errorOf);
    if (words.textContent.trim()) box.setAttribute('aria-invalid', 'true');
    else box.removeAttribute('aria-invalid');
  });

  const focusErrors = (root) => root.querySelector('[data-error-summary]')?.focus();

  // On a phone the side menu is one line that scrolls: the current entry comes into view.
  const current = document.querySelector('.side [aria-current]');
  if (current) { const menu = current.closest('.side'); menu.scrollLeft = current.offsetLeft - menu.clientWidth / 2 + current.clientWidth / 2; }

  collapse(document);
  enhance(document);
  focusErrors(document);

  // Menus close with Esc, giving the focus back, and when something else is clicked.
  const menus = () => all('.menu[open], .account[open]');
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') menus().forEach((menu) => { menu.open = false; menu.querySelector('summary').focus(); });
  });
  document.addEventListener('click', (event) => {
    menus().forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });

  // A second click on a submitted form does nothing; the server would refuse it anyway.
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.method !== 'post' || form.hasAttribute('hx-post')) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = 'yes';
  });
  addEventListener('pageshow', () => all('form[data-sent]').forEach((form) => { delete form.dataset.sent; }));

  // An error page of ours says where it belongs; anything else that went wrong is told in a line.
  document.addEventListener('htmx:beforeSwap', (event) => {
    if (event.detail.isError && event.detail.xhr.getResponseHeader('HX-Retarget')) event.detail.shouldSwap = true;
  });
  ['htmx:sendError', 'htmx:timeout', 'htmx:responseError'].forEach((kind) => document.addEventListener(kind, (event) => {
    const flashes = document.getElementById('flashes');
    if (flashes && !event.detail.xhr?.getResponseHeader('HX-Retarget')) flashes.textContent = flashes.dataset.failed;
  }));

  document.addEventListener('htmx:afterSettle', markBoxes);
  document.addEventListener('htmx:afterSwap', (event) => {
    enhance(event.target);
    focusErrors(event.target);
  });
})();
