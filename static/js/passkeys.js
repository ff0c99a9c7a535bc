/* Passkeys: asks the browser's devices, puts their answer into the form, sends it. Loaded only by pages with such a form. */
(() => {
  'use strict';
  if (!window.PublicKeyCredential) return; // the forms stay hidden

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

  const read = (options) => {
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    [...(options.allowCredentials || []), ...(options.excludeCredentials || [])].forEach((known) => { known.id = bytes(known.id); });
    return options;
  };

  const write = ({ id, rawId, type, response }) => {
    const sent = { transports: response.getTransports?.() };
    ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'].forEach((part) => {
      if (response[part]) sent[part] = text(response[part]);
    });
    return JSON.stringify({ id, rawId: text(rawId), type, response: sent });
  };

  const ask = async (form) => {
    const answer = await fetch(form.dataset.options, {
      method: 'POST', headers: { 'X-CSRFToken': form.elements.csrf_token.value, Accept: 'application/json' },
    });
    const options = await answer.json();
    if (!answer.ok) throw new Error(options.detail);
    return navigator.credentials[form.dataset.passkey]({ publicKey: read(options) });
  };

  const words = { NotAllowedError: 'canceled', AbortError: 'canceled', InvalidStateError: 'known' };

  document.querySelectorAll('form[data-passkey]').forEach((form) => {
    const status = form.querySelector('[data-passkey-status]');
    form.hidden = false;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      status.textContent = status.dataset.asking;
      try {
        form.elements.answer.value = write(await ask(form));
        // What was ticked for the password counts here too.
        const ticked = document.querySelector('input[type=checkbox][name=remember]:checked');
        if (form.elements.remember) form.elements.remember.value = ticked ? 'y' : '';
        form.submit();
      } catch (error) {
        delete form.dataset.sent;
        status.textContent = status.dataset[words[error.name]] || (error.name === 'Error' && error.message) || status.dataset.failed;
      }
    });
  });
})();
