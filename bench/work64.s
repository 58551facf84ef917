	.file	"work.c"
	.text
	.p2align 4
	.type	by_name, @function
by_name:
	movzbl	6(%rdi), %eax
	leaq	6(%rdi), %rcx
	leaq	6(%rsi), %rdx
	testb	%al, %al
	jne	.L2
	jmp	.L8
	.p2align 4,,10
	.p2align 3
.L4:
	movzbl	1(%rcx), %eax
	addq	$1, %rcx
	leaq	1(%rdx), %rsi
	testb	%al, %al
	je	.L9
	movq	%rsi, %rdx
.L2:
	movzbl	(%rdx), %esi
	cmpb	%al, %sil
	je	.L4
.L3:
	subl	%esi, %eax
	ret
	.p2align 4,,10
	.p2align 3
.L9:
	movzbl	1(%rdx), %esi
	xorl	%eax, %eax
	subl	%esi, %eax
	ret
.L8:
	movzbl	6(%rsi), %esi
	xorl	%eax, %eax
	jmp	.L3
	.size	by_name, .-by_name
	.p2align 4
	.type	sort, @function
sort:
	pushq	%r15
	pushq	%r14
	pushq	%r13
	pushq	%r12
	pushq	%rbp
	pushq	%rbx
	subq	$24, %rsp
	movq	%rdi, (%rsp)
	movl	%esi, 12(%rsp)
	cmpl	$1, %esi
	jle	.L10
	movq	%rdx, %rbp
.L11:
	movl	12(%rsp), %edx
	movq	(%rsp), %rcx
	xorl	%r14d, %r14d
	movl	%edx, %eax
	leal	-1(%rdx), %ebx
	sarl	%eax
	cltq
	movq	(%rcx,%rax,8), %r12
	.p2align 4,,10
	.p2align 3
.L12:
	movq	(%rsp), %r15
	movq	%r12, %rsi
	movq	(%r15,%r14,8), %rdi
	call	*%rbp
	testl	%eax, %eax
	js	.L13
	movslq	%ebx, %rax
	leaq	(%r15,%rax,8), %r15
	jmp	.L14
	.p2align 4,,10
	.p2align 3
.L15:
	subl	$1, %ebx
.L14:
	movq	(%r15), %rsi
	movq	%r12, %rdi
	movq	%r15, %r13
	subq	$8, %r15
	call	*%rbp
	testl	%eax, %eax
	js	.L15
	cmpl	%r14d, %ebx
	jle	.L16
	movq	(%rsp), %rcx
	movq	0(%r13), %rdx
	subl	$1, %ebx
	movq	(%rcx,%r14,8), %rax
	movq	%rdx, (%rcx,%r14,8)
	movq	%rax, 0(%r13)
.L13:
	addq	$1, %r14
	jmp	.L12
	.p2align 4,,10
	.p2align 3
.L16:
	movq	(%rsp), %rbx
	movl	%r14d, %esi
	movq	%rbp, %rdx
	movq	%rbx, %rdi
	call	sort
	subl	%r14d, 12(%rsp)
	movl	12(%rsp), %eax
	cmpl	$1, %eax
	jle	.L10
	leaq	(%rbx,%r14,8), %rax
	movq	%rax, (%rsp)
	jmp	.L11
.L10:
	addq	$24, %rsp
	popq	%rbx
	popq	%rbp
	popq	%r12
	popq	%r13
	popq	%r14
	popq	%r15
	ret
	.size	sort, .-sort
	.p2align 4
	.type	find, @function
find:
	subq	$16, %rsp
	movzbl	(%rdi), %eax
	testb	%al, %al
	je	.L30
	movq	%rdi, %rdx
	movl	$-2128831035, %r8d
	.p2align 4,,10
	.p2align 3
.L22:
	addq	$1, %rdx
	xorl	%eax, %r8d
	movzbl	(%rdx), %eax
	imull	$16777619, %r8d, %r8d
	testb	%al, %al
	jne	.L22
	andl	$511, %r8d
.L21:
	xorl	%eax, %eax
	.p2align 4,,10
	.p2align 3
.L23:
	movzbl	(%rdi,%rax), %edx
	movb	%dl, 6(%rsp,%rax)
	addq	$1, %rax
	testb	%dl, %dl
	jne	.L23
	movl	%r8d, %edi
	movq	slots(,%rdi,8), %rax
	testq	%rax, %rax
	je	.L25
	.p2align 4,,10
	.p2align 3
.L45:
	leaq	6(%rax), %rcx
	movzbl	6(%rax), %eax
	leaq	6(%rsp), %rdx
	testb	%al, %al
	jne	.L26
	jmp	.L43
	.p2align 4,,10
	.p2align 3
.L28:
	movzbl	1(%rcx), %eax
	addq	$1, %rcx
	leaq	1(%rdx), %rsi
	testb	%al, %al
	je	.L44
	movq	%rsi, %rdx
.L26:
	cmpb	%al, (%rdx)
	je	.L28
	addl	$1, %r8d
	andl	$511, %r8d
.L46:
	movl	%r8d, %edi
	movq	slots(,%rdi,8), %rax
	testq	%rax, %rax
	jne	.L45
.L25:
	leaq	slots(,%rdi,8), %rax
	addq	$16, %rsp
	ret
	.p2align 4,,10
	.p2align 3
.L44:
	movzbl	1(%rdx), %eax
.L27:
	testb	%al, %al
	je	.L25
	addl	$1, %r8d
	andl	$511, %r8d
	jmp	.L46
.L43:
	movzbl	6(%rsp), %eax
	jmp	.L27
.L30:
	movl	$453, %r8d
	jmp	.L21
	.size	find, .-find
	.p2align 4
	.type	by_group_and_key, @function
by_group_and_key:
	movzwl	4(%rsi), %eax
	cmpw	%ax, 4(%rdi)
	je	.L48
	sbbl	%eax, %eax
	orl	$1, %eax
	ret
	.p2align 4,,10
	.p2align 3
.L48:
	movl	(%rdi), %edx
	movl	(%rsi), %ecx
	movl	$-1, %eax
	cmpl	%ecx, %edx
	jb	.L47
	xorl	%eax, %eax
	cmpl	%edx, %ecx
	setb	%al
.L47:
	ret
	.size	by_group_and_key, .-by_group_and_key
	.section	.rodata.str1.1,"aMS",@progbits,1
.LC0:
	.string	"0123456789abcdef"
	.text
	.p2align 4
	.type	report, @function
report:
	subq	$32, %rsp
	movl	$order, %r9d
	movl	$text, %eax
	movl	$3435973837, %edi
	movq	%rsp, %r8
	.p2align 4,,10
	.p2align 3
.L57:
	movq	(%r9), %rsi
	movzbl	6(%rsi), %edx
	leaq	6(%rsi), %rcx
	testb	%dl, %dl
	je	.L53
	.p2align 4,,10
	.p2align 3
.L54:
	addq	$1, %rcx
	movb	%dl, (%rax)
	addq	$1, %rax
	movzbl	(%rcx), %edx
	testb	%dl, %dl
	jne	.L54
.L53:
	movb	$61, (%rax)
	leaq	1(%rax), %r10
	movl	(%rsi), %edx
	movl	$1, %esi
	.p2align 4,,10
	.p2align 3
.L55:
	movl	%edx, %eax
	movl	%edx, %r11d
	imulq	%rdi, %rax
	shrq	$35, %rax
	leal	(%rax,%rax,4), %ecx
	addl	%ecx, %ecx
	subl	%ecx, %r11d
	movzbl	.LC0(%r11), %ecx
	movl	%edx, %r11d
	movl	%eax, %edx
	movb	%cl, -1(%rsp,%rsi)
	movq	%rsi, %rcx
	leaq	1(%rsi), %rsi
	cmpl	$9, %r11d
	ja	.L55
	leal	-1(%rcx), %r11d
	movq	%r10, %rdx
	leaq	(%r8,%r11), %rax
	.p2align 4,,10
	.p2align 3
.L56:
	movzbl	(%rax), %esi
	addq	$1, %rdx
	movb	%sil, -1(%rdx)
	movq	%rax, %rsi
	subq	$1, %rax
	cmpq	%r8, %rsi
	jne	.L56
	addq	$8, %r9
	movb	$10, (%r10,%rcx)
	leaq	2(%r10,%r11), %rax
	cmpq	$order+1024, %r9
	jne	.L57
	subq	$text, %rax
	addq	$32, %rsp
	ret
	.size	report, .-report
	.p2align 4
	.globl	work
	.type	work, @function
work:
	pushq	%r14
	movl	$composite+2, %eax
	pushq	%r13
	pushq	%r12
	pushq	%rbp
	pushq	%rbx
	subq	$48, %rsp
	.p2align 4,,10
	.p2align 3
.L67:
	movb	$0, (%rax)
	addq	$1, %rax
	cmpq	$composite+4096, %rax
	jne	.L67
	movl	$2, %eax
	xorl	%r14d, %r14d
	jmp	.L71
	.p2align 4,,10
	.p2align 3
.L68:
	addq	$1, %rax
	cmpq	$4096, %rax
	je	.L111
.L71:
	cmpb	$0, composite(%rax)
	jne	.L68
	movl	%eax, %edx
	movl	%eax, %esi
	addl	$1, %r14d
	imull	%eax, %edx
	cmpl	$4095, %edx
	ja	.L68
	.p2align 4,,10
	.p2align 3
.L70:
	movl	%edx, %ecx
	addl	%esi, %edx
	movb	$1, composite(%rcx)
	cmpl	$4095, %edx
	jbe	.L70
	addq	$1, %rax
	cmpq	$4096, %rax
	jne	.L71
.L111:
	xorl	%eax, %eax
	.p2align 4,,10
	.p2align 3
.L74:
	movl	%eax, %edx
	movl	$8, %ebx
	.p2align 4,,10
	.p2align 3
.L73:
	movl	%edx, %esi
	shrl	%edx
	movl	%edx, %ecx
	andl	$1, %esi
	xorl	$-306674912, %ecx
	testl	%esi, %esi
	cmovne	%ecx, %edx
	subl	$1, %ebx
	jne	.L73
	movl	%edx, crc_table(,%rax,4)
	addq	$1, %rax
	cmpq	$256, %rax
	jne	.L74
	movl	$records+6, %r13d
	movl	$order, %r8d
	movl	$records+4102, %r12d
	movl	$-1831433054, %ecx
	movq	%r13, %rsi
	leaq	16(%rsp), %rbp
	.p2align 4,,10
	.p2align 3
.L77:
	movl	%ecx, %edx
	sall	$13, %edx
	xorl	%ecx, %edx
	movl	%edx, %eax
	shrl	$17, %eax
	xorl	%edx, %eax
	movl	%eax, %edx
	sall	$5, %edx
	xorl	%eax, %edx
	movl	%edx, %ecx
	movl	%edx, -6(%rsi)
	sall	$13, %ecx
	xorl	%edx, %ecx
	andl	$1048575, %edx
	movl	%ecx, %eax
	shrl	$17, %eax
	xorl	%ecx, %eax
	movl	%eax, %ecx
	sall	$5, %ecx
	xorl	%eax, %ecx
	movl	%ecx, %edi
	movl	%ecx, %eax
	imulq	$613566757, %rdi, %rdi
	shrq	$32, %rdi
	subl	%edi, %eax
	shrl	%eax
	addl	%edi, %eax
	shrl	$2, %eax
	leal	0(,%rax,8), %edi
	subl	%eax, %edi
	movl	%ecx, %eax
	subl	%edi, %eax
	movw	%ax, -2(%rsi)
	movl	$1, %eax
	.p2align 4,,10
	.p2align 3
.L75:
	movl	%edx, %edi
	movl	%edx, %r9d
	shrl	$4, %edx
	andl	$15, %edi
	movzbl	.LC0(%rdi), %edi
	movb	%dil, 15(%rsp,%rax)
	movq	%rax, %rdi
	leaq	1(%rax), %rax
	cmpl	$15, %r9d
	ja	.L75
	leal	-1(%rdi), %eax
	movq	%rsi, %rdx
	addq	%rbp, %rax
	.p2align 4,,10
	.p2align 3
.L76:
	movzbl	(%rax), %r9d
	addq	$1, %rdx
	movb	%r9b, -1(%rdx)
	movq	%rax, %r9
	subq	$1, %rax
	cmpq	%rbp, %r9
	jne	.L76
	leaq	-6(%rsi), %rax
	movb	$0, (%rsi,%rdi)
	addq	$16, %rsi
	addq	$8, %r8
	movq	%rax, -8(%r8)
	cmpq	%rsi, %r12
	jne	.L77
	movl	$256, %esi
	movl	$by_group_and_key, %edx
	movl	$order, %edi
	movl	%ecx, seed(%rip)
	call	sort
	call	report
	movq	%rax, %rsi
	testq	%rax, %rax
	je	.L89
	addq	$text, %rsi
	movl	$-1, %eax
	movl	$text, %edx
.L79:
	movzbl	(%rdx), %ecx
	addq	$1, %rdx
	xorl	%eax, %ecx
	shrl	$8, %eax
	movzbl	%cl, %ecx
	xorl	crc_table(,%rcx,4), %eax
	cmpq	%rdx, %rsi
	jne	.L79
.L78:
	movl	$256, %esi
	movl	$by_name, %edx
	movl	$order, %edi
	xorl	%eax, %r14d
	call	sort
	call	report
	movq	%rax, %rsi
	testq	%rax, %rax
	je	.L80
	addq	$text, %rsi
	movl	$-1, %eax
	movl	$text, %edx
.L81:
	movzbl	(%rdx), %ecx
	addq	$1, %rdx
	xorl	%eax, %ecx
	shrl	$8, %eax
	movzbl	%cl, %ecx
	xorl	crc_table(,%rcx,4), %eax
	cmpq	%rdx, %rsi
	jne	.L81
	notl	%eax
	addl	%eax, %eax
	xorl	%eax, %r14d
.L80:
	movl	$slots, %eax
	movl	$slots+4096, %edx
	.p2align 4,,10
	.p2align 3
.L82:
	movq	$0, (%rax)
	addq	$8, %rax
	cmpq	%rax, %rdx
	jne	.L82
	.p2align 4,,10
	.p2align 3
.L83:
	movq	%r13, %rdi
	call	find
	leaq	-6(%r13), %rdx
	addq	$16, %r13
	movq	%rdx, (%rax)
	cmpq	%r13, %r12
	jne	.L83
	xorl	%r9d, %r9d
	.p2align 4,,10
	.p2align 3
.L88:
	testb	$1, %r9b
	je	.L84
	movq	%r9, %rax
	salq	$4, %rax
	movl	records(%rax), %eax
	andl	$1048575, %eax
.L85:
	movl	$1, %ecx
	.p2align 4,,10
	.p2align 3
.L86:
	movl	%eax, %edx
	movl	%eax, %esi
	shrl	$4, %eax
	andl	$15, %edx
	movzbl	.LC0(%rdx), %edx
	movb	%dl, 15(%rsp,%rcx)
	movq	%rcx, %rdx
	leaq	1(%rcx), %rcx
	cmpl	$15, %esi
	ja	.L86
	leal	-1(%rdx), %eax
	leaq	4(%rsp), %rcx
	addq	%rbp, %rax
	.p2align 4,,10
	.p2align 3
.L87:
	movzbl	(%rax), %esi
	addq	$1, %rcx
	movb	%sil, -1(%rcx)
	movq	%rax, %rsi
	subq	$1, %rax
	cmpq	%rbp, %rsi
	jne	.L87
	leaq	4(%rsp), %rdi
	movb	$0, 4(%rsp,%rdx)
	call	find
	cmpq	$1, (%rax)
	sbbl	$-1, %ebx
	addq	$1, %r9
	cmpq	$256, %r9
	jne	.L88
	movl	%ebx, %eax
	addq	$48, %rsp
	subl	%r14d, %eax
	popq	%rbx
	popq	%rbp
	subl	$1, %eax
	popq	%r12
	popq	%r13
	popq	%r14
	ret
	.p2align 4,,10
	.p2align 3
.L84:
	movl	seed(%rip), %edx
	movl	%edx, %eax
	sall	$13, %eax
	xorl	%edx, %eax
	movl	%eax, %edx
	shrl	$17, %edx
	xorl	%eax, %edx
	movl	%edx, %eax
	sall	$5, %eax
	xorl	%edx, %eax
	movl	%eax, seed(%rip)
	andl	$1048575, %eax
	jmp	.L85
.L89:
	movl	$-1, %eax
	jmp	.L78
	.size	work, .-work
	.local	text
	.comm	text,4096,32
	.local	crc_table
	.comm	crc_table,1024,32
	.local	slots
	.comm	slots,4096,32
	.local	order
	.comm	order,2048,32
	.local	records
	.comm	records,4096,32
	.local	composite
	.comm	composite,4096,32
	.local	seed
	.comm	seed,4,4
	.section	.note.GNU-stack,"",@progbits
